import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { prepareImage, startLab, whyNoMachines, type Lab } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";

const reason = whyNoMachines();
const missing = "node02.absent.sprout.internal";

/** Injects a fault: reports that it launched the machine, but does not. */
const neverBoots = (provider: MachineProvider): MachineProvider => ({
  ...provider,
  launch: async (machine, signal) => (machine.name === missing ? undefined : provider.launch(machine, signal)),
});

describe.skipIf(reason !== null)(`a worker that never boots${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let lab: Lab;
  let cluster: Cluster;

  beforeAll(async () => {
    await prepareImage();
    lab = await startLab(neverBoots);
    const created = await lab.client.create({ name: "absent", nodes: 3, provider: "nspawn", deadlineSeconds: 40 });
    cluster = await lab.client.wait(created.id, { condition: "ready", timeoutMs: 120_000 });
  });

  afterAll(() => lab.close());

  it("fails the cluster, naming the worker and that it never called", () => {
    expect(cluster.state).toBe("failed");
    expect(cluster.failure?.missing).toEqual([{ name: missing, lastPhase: "none", lastReportAgoMs: null }]);
    expect(cluster.failure?.message).toContain(missing);
    expect(cluster.failure?.message).not.toContain("node01");
  });

  it("makes the first control plane exit with code 1 at the deadline, saying the same on its console", async () => {
    const first = cluster.members[0]!;
    const machine = { machinesDir: lab.machinesDir, allocation: first.allocation };
    const status = await execInMachine(machine, [
      "systemctl",
      "show",
      "sprout-bootstrap.service",
      "-p",
      "ExecMainStatus",
      "-p",
      "Result",
    ]);
    expect(status.stdout.split("\n").toSorted()).toEqual(["ExecMainStatus=1", "Result=exit-code"]);
    expect(first.failure).toMatchObject({ phase: "verify", exitCode: 1 });
    const console = await readFile(join(lab.machinesDir, first.allocation, "console.log"), "utf8");
    expect(console).toContain(missing);
  });

  it("keeps to the shortened deadline", () => {
    const created = Date.parse(cluster.createdAt);
    const failed = Date.parse(cluster.failedAt!);
    expect(failed - created).toBeGreaterThan(30_000);
    expect(failed - created).toBeLessThan(60_000);
  });

  it("does not blame the workers that came up", () => {
    expect(cluster.members.find((member) => member.name.startsWith("node01"))?.failure).toBeNull();
  });

  it("deletes as any other cluster", async () => {
    await lab.client.delete(cluster.id);
    const deleted = await lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: 60_000 });
    expect(deleted.state).toBe("deleted");
  });
});
