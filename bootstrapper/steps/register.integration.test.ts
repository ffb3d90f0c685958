import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { simulateMachine } from "../../test/fakes/simulated-machine.ts";
import { furtherMetadata, workerMetadata } from "../../test/fixtures/node-documents.ts";
import { patience } from "../../test/fixtures/patience.ts";

/** A kubelet that registers after this time, or as soon as it restarts. Returns the calls of systemctl. */
async function registerLate(metadata: NodeMetadata, afterMs: number): Promise<string> {
  const machine = await simulateMachine(metadata);
  const log = () => readFile(join(machine.root, "systemctl.log"), "utf8").catch(() => "");
  const run = machine.run();
  await expect.poll(log, patience).toContain("start --no-block kubelet.service");
  const startedAt = performance.now();
  const registers = async () => performance.now() > startedAt + afterMs || (await log()).includes("restart");
  await expect.poll(registers, patience).toBe(true);
  machine.kubernetes.addNode(metadata.self.name, { address: "127.0.0.1", ready: true });
  expect(await run).toMatchObject({ exitCode: 0, error: "" });
  return log();
}

const restart = "restart --no-block kubelet.service\n";

describe("register (simulated machine)", () => {
  it("restarts a control plane's kubelet once if the API server answers and no Node appears", async () => {
    const log = await registerLate(furtherMetadata, 10_000);
    expect(log.split(restart)).toHaveLength(2);
  });

  it("does not restart a kubelet that registers in time", async () => {
    expect(await registerLate(furtherMetadata, 500)).not.toContain(restart);
  });

  it("does not restart a worker's kubelet, which started after its API server answered and may be slow", async () => {
    expect(await registerLate(workerMetadata, 5000)).not.toContain(restart);
  });
});
