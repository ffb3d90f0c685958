import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type SimulatedMachine, simulateMachine } from "../../test/fakes/simulated-machine.ts";
import { firstMetadata } from "../../test/fixtures/node-documents.ts";

const phase = "init phase upload-config all";
const slow = "net/http: request canceled (Client.Timeout or context cancellation while reading body)";

async function simulateControlPlane(deadlineSeconds: number) {
  const machine = await simulateMachine(firstMetadata, deadlineSeconds);
  machine.kubernetes.addNode(firstMetadata.self.name, { address: "127.0.0.1", ready: true });
  return machine;
}

const failWith = ({ root }: SimulatedMachine, message: string, times: number) =>
  writeFile(
    join(root, "phase-fault"),
    `case "$*" in
      "${phase} "*) [ "$(grep -c "^${phase} " "$ROOT/kubeadm.log")" -gt ${times} ] || { echo '${message}' >&2; exit 1; };;
    esac`,
  );
const attempts = async ({ root }: SimulatedMachine) =>
  (await readFile(join(root, "kubeadm.log"), "utf8")).split("\n").filter((line) => line.startsWith(phase)).length;

describe("runKubeadmPhase (simulated machine)", () => {
  it("runs the phase again if the API server did not answer in time", async () => {
    const machine = await simulateControlPlane(12);
    await failWith(machine, slow, 2);
    // Its peer never appears.
    expect(await machine.run()).toMatchObject({ exitCode: 1 });
    expect(await attempts(machine)).toBe(3);
  });

  it("ends the bring-up at once if another attempt cannot help", async () => {
    const machine = await simulateControlPlane(20);
    const message = 'nodes "cp01" is forbidden: User "system:node:cp01" cannot patch resource "nodes"';
    await failWith(machine, message, 100);
    expect(await machine.run()).toMatchObject({ exitCode: 4, error: expect.stringContaining(message) as string });
    expect(await attempts(machine)).toBe(1);
  });

  it("reports at the deadline what the API server did not do", async () => {
    const machine = await simulateControlPlane(4);
    await failWith(machine, slow, 100);
    expect(await machine.run()).toMatchObject({ exitCode: 4, error: expect.stringContaining(slow) as string });
    expect(await attempts(machine)).toBeGreaterThan(1);
  });
});
