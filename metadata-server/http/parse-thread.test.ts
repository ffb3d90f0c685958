import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { costlyBodies, type CostlyBody } from "./costly-bodies.ts";
import { parseBody } from "./parse-body.ts";
import { createParseThread } from "./parse-thread.ts";

const mediaType = "application/json";
const machines = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    macs: [`52:54:00:00:${(index >> 8).toString(16).padStart(2, "0")}:${(index & 255).toString(16).padStart(2, "0")}`],
  }));
const cluster = (manifest: string) =>
  JSON.stringify({ nodes: 1, provider: "fake", network: { plugin: "manifest", manifest } });

const bodies: [string, CostlyBody, string, string][] = [
  ["valid machines", "ImportMachines", mediaType, JSON.stringify({ machines: machines(200) })],
  ["machines with unknown fields", "ImportMachines", mediaType, JSON.stringify({ machines: machines(200), x: 1 })],
  ["no JSON", "ImportMachines", mediaType, "[".padEnd(5000)],
  [
    "CSV",
    "ImportMachines",
    "text/csv",
    `macs\n${machines(300)
      .map(({ macs }) => macs[0])
      .join("\n")}`,
  ],
  ["CSV with an unknown column", "ImportMachines", "text/csv", `macs,rack\n${"52:54:00:00:00:01,1\n".repeat(300)}`],
  ["a manifest that is no YAML", "CreateCluster", mediaType, cluster("a: b: c\n".repeat(1000))],
  [
    "rules without a condition",
    "ApprovalRules",
    mediaType,
    JSON.stringify({ rules: Array.from({ length: 100 }, () => ({ labels: { a: "x".repeat(50) } })) }),
  ],
];

const outcomeOf = (work: Promise<unknown>) =>
  work.then(
    (value) => ({ value }),
    (error: Error) => ({ error }),
  );

describe("createParseThread", () => {
  it.each(bodies)("parses as the same thread would: %s", async (_, body, type, text) => {
    const same = await outcomeOf(Promise.try(() => parseBody(costlyBodies[body], { mediaType: type, text })));
    const apart = await outcomeOf(createParseThread()(body, { mediaType: type, text }));
    expect(apart).toEqual(same);
    expect(text.length).toBeGreaterThan(4096);
  });

  it.each([
    ["different keys", Array.from({ length: 14_000 }, (_, index) => `k${index}: 1`).join("\n")],
    ["colons", ":\n".repeat(60_000)],
    ["directives", "%\n".repeat(60_000)],
    ["aliases", `a: &a [1]\nb: [${"*a,".repeat(40_000)}]`],
    ["brackets", "[".repeat(100_000)],
  ])("holds nothing up meanwhile: a manifest of %s", async (_, manifest) => {
    const parse = createParseThread();
    await outcomeOf(parse("CreateCluster", { mediaType, text: cluster("a: 1\n".repeat(2000)) }));
    const before = process.threadCpuUsage();
    const parsing = outcomeOf(parse("CreateCluster", { mediaType, text: cluster(manifest) }));
    const turns = Array.fromAsync({ length: 10 }, () => setImmediate("free"));
    expect(await Promise.race([parsing, turns])).toContain("free");
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(50);
    expect(await parsing).toHaveProperty("error.code", "invalid-request");
  });
});
