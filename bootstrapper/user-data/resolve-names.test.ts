import { describe, expect, it } from "vitest";
import { userDataFields } from "../../test/fixtures/node-documents.ts";
import { parseUserData } from "./document.ts";
import { resolveNames, type Resolver, systemResolver } from "./resolve-names.ts";

const userData = parseUserData(JSON.stringify(userDataFields), "user-data");
const own = "10.77.0.14";
const records: Record<string, string[]> = {
  "master01.build126.test": ["10.77.0.11"],
  "master02.build126.test": ["10.77.0.12"],
  "node02.build126.test": [own],
  "api.build126.test": ["10.77.0.12", "10.77.0.11"],
  "etcd.build126.test": ["10.77.0.11"],
};

const resolve = (changed: typeof records, resolver: Partial<Resolver> = {}, timeoutMs = 50) =>
  resolveNames(userData, {
    resolver: {
      lookUp: async (name) => {
        const found = { ...records, ...changed }[name];
        if (found === undefined) throw Object.assign(new Error("not found"), { code: "ENOTFOUND" });
        return found;
      },
      ownAddresses: () => [own],
      ...resolver,
    },
    signal: AbortSignal.timeout(timeoutMs),
  });

describe("resolveNames", () => {
  it("resolves itself, the control planes and the domains to the same address on every node, and no worker", async () => {
    expect(Object.fromEntries(await resolve({}))).toEqual({
      "master01.build126.test": "10.77.0.11",
      "master02.build126.test": "10.77.0.12",
      "node02.build126.test": own,
      "api.build126.test": "10.77.0.11",
      "etcd.build126.test": "10.77.0.11",
    });
  });

  it("waits for DNS records that appear after their machine", async () => {
    let asked = 0;
    const lookUp = async (name: string) => {
      if (name === "master02.build126.test" && ++asked < 2) throw new Error("not yet");
      return records[name] ?? [];
    };
    expect((await resolve({}, { lookUp }, 5000)).get("master02.build126.test")).toBe("10.77.0.12");
  });

  it("names each name that does not resolve, and a name of another machine", async () => {
    const changed = { "node02.build126.test": ["10.77.0.99"], "etcd.build126.test": [] };
    await expect(resolve(changed, { ownAddresses: () => [own, "10.0.0.1"] })).rejects.toMatchObject({
      code: "invalid-input",
      message:
        "Cannot use user-data: /domainsEnv: etcd.build126.test does not resolve; /myDomain: node02.build126.test is " +
        "10.77.0.99, which this machine does not have (it has 10.77.0.14, 10.0.0.1); each needs an IPv4 address in DNS " +
        "or /etc/hosts",
    });
  });
});

it("does not accept a loopback address as a machine's own (real resolver)", async () => {
  await expect(systemResolver.lookUp("localhost")).rejects.toThrow("127.0.0.1 alone");
});
