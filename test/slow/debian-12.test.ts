import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { findProgram } from "../fixtures/find-program.ts";
import { createLabFolder } from "../lab/lab-folders.ts";
import { type Lab, type LabImageOptions, prepareImage, startLab, whyNoMachines } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";
import { withQemuMachines } from "../lab/qemu-provider.ts";

const missing = ["qemu-system-x86_64", "dnsmasq"].filter((name) => !findProgram(name));
const reason = whyNoMachines() ?? (missing.length > 0 ? `${missing.join(", ")} not installed` : null);
const worker = "node01.other.sprout.internal";

interface NodeInfo {
  osImage: string;
  kernelVersion: string;
  containerRuntimeVersion: string;
}

/** An image that only this test uses, and a server with its machines. */
async function startOther(options: LabImageOptions): Promise<Lab> {
  const folder = await createLabFolder();
  onTestFinished(() => rm(folder, { recursive: true }));
  const imagesDir = join(folder, "images");
  const { image } = await prepareImage(undefined, { ...options, imagesDir });
  const isEmulated = (name: string) => options.networkBoot === true && name === worker;
  const emulate = { image, isEmulated, workDir: join(folder, "emulated") };
  const lab = await startLab((nspawn) => withQemuMachines(nspawn, emulate), { imagesDir });
  onTestFinished(() => lab.close());
  return lab;
}

async function bringUp({ client }: Lab): Promise<Cluster> {
  const created = await client.create({ name: "other", controlPlanes: 1, workers: 1, provider: "nspawn" });
  const cluster = await client.wait(created.id, { condition: "available", timeoutMs: 900_000 });
  expect({ state: cluster.state, failure: cluster.failure }).toEqual({ state: "ready", failure: null });
  expect(cluster.availableAt).not.toBeNull();
  return cluster;
}

async function nodesOf({ machinesDir }: Lab, { members }: Cluster): Promise<NodeInfo[]> {
  const machine = { machinesDir, allocation: members[0]!.allocation };
  const { stdout } = await execInMachine(machine, ["kubectl", "get", "nodes", "--output=json"]);
  const { items } = JSON.parse(stdout) as { items: { status: { nodeInfo: NodeInfo } }[] };
  return items.map(({ status }) => status.nodeInfo);
}

describe.skipIf(reason !== null)(`images of other systems${reason ? ` (skipped: ${reason})` : ""}`, () => {
  it("bring up an available cluster on Debian 12, with a worker that boots its kernel over the network", async () => {
    const lab = await startOther({ debianRelease: "12", networkBoot: true });
    const cluster = await bringUp(lab);
    const nodes = await nodesOf(lab, cluster);
    const system = { osImage: expect.stringContaining("Debian GNU/Linux 12") as string };
    expect(nodes).toMatchObject([system, system]);
    expect(nodes.map(({ kernelVersion }) => kernelVersion)).toContainEqual(expect.stringMatching(/^6\.1\..*-cloud-/));
    await lab.client.delete(cluster.id);
    await lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: 300_000 });
  }, 2_400_000);

  it("bring up an available cluster on Debian 13 with Debian's containerd 1.7", async () => {
    const lab = await startOther({ debianRelease: "13", containerd: "debian" });
    const nodes = await nodesOf(lab, await bringUp(lab));
    const system = {
      osImage: expect.stringContaining("Debian GNU/Linux 13") as string,
      containerRuntimeVersion: expect.stringMatching(/^containerd:\/\/1\.7\./) as string,
    };
    expect(nodes).toMatchObject([system, system]);
  }, 1_800_000);
});
