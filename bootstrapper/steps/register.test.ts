import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { simulateMachine } from "../../test/fakes/simulated-machine.ts";
import { furtherMetadata, workerMetadata } from "../fixtures.ts";

/** A kubelet that registers after so long, or as soon as it is started again. Returns what systemctl was asked. */
async function registerLate(metadata: NodeMetadata, afterMs: number): Promise<string> {
  const machine = await simulateMachine(metadata);
  const log = () => readFile(join(machine.root, "systemctl.log"), "utf8").catch(() => "");
  const run = machine.run();
  await expect.poll(log, { timeout: 15_000 }).toContain("start --no-block kubelet.service");
  const startedAt = performance.now();
  const registers = async () => performance.now() > startedAt + afterMs || (await log()).includes("restart");
  await expect.poll(registers, { timeout: 15_000 }).toBe(true);
  machine.kubernetes.addNode(metadata.self.name, { address: "127.0.0.1", ready: true });
  expect(await run).toMatchObject({ exitCode: 0, error: "" });
  return log();
}

const restart = "restart --no-block kubelet.service\n";

describe("register (simulated machine)", () => {
  it("starts a control plane's kubelet again, once, where the API server answers and no Node comes", async () => {
    const log = await registerLate(furtherMetadata, 10_000);
    expect(log.split(restart)).toHaveLength(2);
  });

  it("leaves a kubelet alone that registers in time", async () => {
    expect(await registerLate(furtherMetadata, 500)).not.toContain(restart);
  });

  it("leaves a worker's kubelet alone, which was started after its API server answered and may be slow", async () => {
    expect(await registerLate(workerMetadata, 5000)).not.toContain(restart);
  });
});
