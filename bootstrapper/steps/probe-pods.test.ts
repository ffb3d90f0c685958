import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { createAskProbe, waitForProbes } from "./probe-pods.ts";

const pod = (nodeName: string, podIP?: string) => ({
  spec: { nodeName },
  status: podIP === undefined ? {} : { podIP },
});
const podsOf = (...items: object[]) => ({ get: async <T>() => ({ items }) as T });
const soon = () => AbortSignal.timeout(300);

/** Of a real nslookup: busybox' own words. */
const refused = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n** server can't find it: REFUSED\n\n";

async function startProbe(status: number, body: string) {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return createAskProbe((server.address() as AddressInfo).port);
}
const ask = async (probe: ReturnType<typeof createAskProbe>) => probe("127.0.0.1", AbortSignal.timeout(5000));

describe("waitForProbes", () => {
  it("ends when the probe on every node has resolved the name", async () => {
    const said = new Map([
      ["10.244.0.2", ["not asked yet", "resolved\n"]],
      ["10.244.1.2", ["resolved\n"]],
    ]);
    const askProbe = async (address: string) => said.get(address)?.shift();
    await waitForProbes(["cp01", "node01"], {
      api: podsOf(pod("cp01", "10.244.0.2"), pod("node01", "10.244.1.2")),
      askProbe,
      signal: AbortSignal.timeout(5000),
    });
    expect([...said.values()]).toEqual([[], []]);
  });

  it("names the nodes on which no pod answers", async () => {
    const said = new Map([["10.244.0.2", "resolved"]]);
    const askProbe = async (address: string) => said.get(address);
    const api = podsOf(pod("cp01", "10.244.0.2"), pod("node01", "10.244.1.2"), pod("node02"));
    await expect(waitForProbes(["cp01", "node01", "node02"], { api, askProbe, signal: soon() })).rejects.toThrow(
      "Cannot get pods to work on every node: no pod answers on node01, node02",
    );
  });

  it("names the nodes whose pods do not resolve the name, each with what its probe said last", async () => {
    const said = new Map([
      ["10.244.0.2", "resolved"],
      ["10.244.1.2", refused],
      ["10.244.2.2", ""],
    ]);
    const askProbe = async (address: string) => said.get(address);
    const api = podsOf(pod("cp01", "10.244.0.2"), pod("node01", "10.244.1.2"), pod("node02", "10.244.2.2"));
    await expect(waitForProbes(["cp01", "node01", "node02"], { api, askProbe, signal: soon() })).rejects.toThrow(
      "kubernetes.default.svc.cluster.local is not resolved by pods on " +
        "node01 (** server can't find it: REFUSED), node02 (no answer within a second)",
    );
  });
});

describe("createAskProbe", () => {
  it("returns what the probe says, and only the beginning of too much", async () => {
    expect(await ask(await startProbe(200, "resolved\n"))).toBe("resolved\n");
    expect(await ask(await startProbe(200, "x".repeat(10_000_000)))).toBe("x".repeat(1000));
  });

  it("returns nothing where another server or nobody answers", async () => {
    expect(await ask(await startProbe(404, "not found"))).toBeUndefined();
    expect(await ask(createAskProbe(1))).toBeUndefined();
  });
});
