import { describe, expect, it } from "vitest";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { workerMetadata } from "../../test/fixtures/node-documents.ts";
import { withoutNodeRules } from "../reset/packet-filter.ts";
import { setUpNetwork } from "./network.ts";

const url = new URL("https://sprout.example:8443");
const addresses: Record<string, string[]> = { "sprout.example": ["192.0.2.10", "192.0.2.12"] };
const lookUp = async (name: string) => addresses[name] ?? [];
const routes = workerMetadata.network;
const manifest: NodeMetadata["network"] = { ...routes, plugin: "manifest" };

/** Rules that a node adds to its own, which it lacks or, after a crash, has already. Each is `TABLE CHAIN …`. */
async function addedRules(metadata: NodeMetadata, existing: readonly string[] = []) {
  const rules: string[] = [];
  const exec = async ([program, , , , table, operation, ...rule]: readonly string[]) => {
    const text = [table, ...rule].join(" ");
    if (operation === "-C" && !existing.includes(text)) throw new Error("iptables: Bad rule");
    if (program === "iptables" && operation !== "-C") rules.push(text);
    return "";
  };
  await setUpNetwork({ metadata, exec }, url, new AbortController().signal, lookUp);
  return rules;
}
const dropsIn = (rules: string[]) => rules.filter((rule) => rule.endsWith("-j DROP"));
/** `ADDRESS:PORT` of each rule of this table. */
const blocked = (rules: string[], table: string) =>
  dropsIn(rules).flatMap((rule) => {
    const match = new RegExp(`^${table} .* -d ([\\d.]+) -p tcp --dport (\\d+) -j DROP$`).exec(rule);
    return match === null ? [] : [`${match[1]}:${match[2]}`];
  });

const listeners = [
  { address: "192.0.2.10", port: 8443 },
  { address: "192.0.2.11", port: 8080 },
];

describe("setUpNetwork", () => {
  it.each([
    ["routes", routes, ["filter"]],
    ["manifest", manifest, ["raw", "mangle"]],
  ])(
    "blocks each listener, and each address of the server's name, once, with network %s",
    async (_, network, tables) => {
      const rules = await addedRules({ ...workerMetadata, network, listeners });
      for (const table of tables)
        expect(blocked(rules, table)).toEqual(["192.0.2.10:8443", "192.0.2.12:8443", "192.0.2.11:8080"]);
      expect(dropsIn(rules)).toHaveLength(3 * tables.length);
    },
  );

  it("blocks the plain port at each address of the name if a document of before names no listeners", async () => {
    const rules = await addedRules({ ...workerMetadata, plainHttpPort: 8080 });
    expect(blocked(rules, "filter")).toEqual([
      "192.0.2.10:8443",
      "192.0.2.10:8080",
      "192.0.2.12:8443",
      "192.0.2.12:8080",
    ]);
  });

  it("adds only what is missing if it runs again after a crash", async () => {
    const metadata = { ...workerMetadata, network: manifest, listeners };
    const all = await addedRules(metadata);
    expect(await addedRules(metadata, all.slice(0, 3))).toEqual(all.slice(3));
  });

  it.each([
    ["routes", routes],
    ["manifest", manifest],
  ])("adds only rules that a reset finds, with network %s", async (_, network) => {
    const metadata = { ...workerMetadata, network, listeners, plainHttpPort: 8080 };
    const saved = (await addedRules(metadata)).map((rule) => `-A ${rule.slice(rule.indexOf(" ") + 1)}`);
    expect(saved.length).toBeGreaterThan(4);
    expect(withoutNodeRules(saved.join("\n"), metadata)).toBe("");
  });
});
