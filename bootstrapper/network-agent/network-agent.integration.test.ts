import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { writeFakeProgram } from "../../test/fakes/fake-program.ts";
import { main } from "../../test/fakes/simulated-machine.ts";
import { simulatedEnvironment } from "../../test/fakes/simulated-root.ts";
import { readyWorker } from "../../test/fixtures/simulated-nodes.ts";
import { patience } from "../../test/fixtures/patience.ts";

/** Knows no way to 192.0.2.0/24. */
const fakeIp = `case "$*" in *"via 192.0.2."*) echo "Error: Nexthop has invalid gateway." >&2; exit 2;; esac`;

/** A worker that is up, and its network agent. */
async function startAgent(peers: [name: string, address: string, podCidr: string][]) {
  const machine = await readyWorker();
  await machine.run();
  await writeFakeProgram(join(machine.root, "bin/ip"), fakeIp);
  for (const [name, address, podCidr] of peers) machine.kubernetes.addNode(name, { address, podCidr, ready: true });
  const agent = execa(process.execPath, [main, "--root", machine.root, "network-agent"], {
    env: simulatedEnvironment(machine.root),
    extendEnv: false,
    reject: false,
  });
  let output = "";
  agent.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  onTestFinished(async () => {
    agent.kill();
    await agent;
  });
  const lines = () =>
    output
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, string>);
  return { machine, agent, lines };
}

describe("sprout-bootstrap network-agent (simulated machine)", () => {
  it("logs a refused pod CIDR once, and keeps the owner's route", async () => {
    const { machine, lines } = await startAgent([
      ["evil", "10.77.0.66", "10.244.5.128/25"],
      ["node05", "10.77.0.25", "10.244.5.0/24"],
    ]);
    await expect.poll(lines, patience).toHaveLength(2);
    // Another change of the Nodes, which must repeat no warning.
    machine.kubernetes.addNode("node06", { address: "10.77.0.26", podCidr: "10.244.6.0/24", ready: true });
    const route = { level: "info", message: "route", operation: "replace" };
    await expect
      .poll(lines, patience)
      .toContainEqual(expect.objectContaining({ ...route, cidr: "10.244.6.0/24", via: "10.77.0.26" }));
    expect(lines().filter(({ level }) => level === "warn")).toMatchObject([
      { node: "evil", cidr: "10.244.5.128/25", why: "not a /24 of 10.244.0.0/16" },
    ]);
    const routes = lines().filter(({ message }) => message === "route");
    expect(routes).toContainEqual(expect.objectContaining({ cidr: "10.244.5.0/24", via: "10.77.0.25" }));
    expect(routes.map(({ via }) => via)).not.toContain("10.77.0.66");
  });

  it("sets all other routes before it ends because of one that the kernel refuses", async () => {
    const { agent, lines } = await startAgent([
      ["evil", "192.0.2.66", "10.244.4.0/24"],
      ["node05", "10.77.0.25", "10.244.5.0/24"],
    ]);
    const { exitCode, stderr } = await agent;
    expect(exitCode).toBe(4);
    expect(stderr).toContain("Nexthop has invalid gateway");
    expect(lines()).toMatchObject([{ cidr: "10.244.5.0/24", via: "10.77.0.25" }]);
  });
});
