import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { findProgram } from "../fixtures/find-program.ts";
import { ec2Smbios, toCommandLine, writeCloudInitComputer } from "../lab/cloud-init-computer.ts";
import { ensureStockImage } from "../lab/cloud-init-image.ts";
import { startCloudInitLab, type CloudInitLab } from "../lab/cloud-init-lab.ts";
import { kubernetesVersion, prepareImage, whyNoMachines } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";
import { withQemuMachines } from "../lab/qemu-provider.ts";

const programs = ["qemu-system-x86_64", "dnsmasq"];
const missing = programs.filter((name) => !findProgram(name));
const reason = whyNoMachines() ?? (missing.length > 0 ? `${missing.join(", ")} not installed` : null);
const isEmulated = (name: string) => name.startsWith("node");
/** The first worker's kernel command line says NoCloud; the second one's firmware says that it is EC2's. */
const isAmazon = (name: string) => name.startsWith("node02");

describe.skipIf(reason !== null)(`computers with cloud-init${reason ? ` (skipped: ${reason})` : ""}`, () => {
  let clouds: CloudInitLab;
  let cluster: Cluster;
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sprout-cloud-init-"));
    const signal = AbortSignal.timeout(900_000);
    const { image } = await prepareImage(undefined, { networkBoot: true });
    const rootfs = join(await ensureStockImage({ signal }), kubernetesVersion, "rootfs");
    const computer = await writeCloudInitComputer(folder, { image, rootfs, signal });
    clouds = await startCloudInitLab({
      dataSourceOf: (name) => (isAmazon(name) ? "ec2-on-ec2" : "nocloud"),
      wrap: (nspawn) =>
        withQemuMachines(nspawn, {
          image: computer,
          isEmulated,
          identify: toCommandLine,
          smbiosOf: (name) => (isAmazon(name) ? ec2Smbios : undefined),
          workDir: folder,
        }),
    });
    const { client } = clouds.lab;
    const body = { name: "metal", controlPlanes: 1, workers: 2, provider: "nspawn", deadlineSeconds: 900 };
    const created = await client.create(body);
    cluster = await client.wait(created.id, { condition: "ready", timeoutMs: 900_000 });
    await clouds.phonedHome(3);
  });
  afterAll(async () => {
    // The computers would end with this process, but their links would stay.
    await clouds.lab.client.delete(cluster.id);
    await clouds.lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: 300_000 });
    await clouds.close();
    await rm(folder, { recursive: true });
  });

  const filesOf = (name: string) =>
    clouds.requestsOf(name).flatMap(({ method, path }) => (method === "GET" ? [path] : []));

  it("become Ready workers, with the bootstrapper and the seed delivered by cloud-init alone", async () => {
    expect(cluster).toMatchObject({ state: "ready", failure: null });
    const machine = { machinesDir: clouds.lab.machinesDir, allocation: cluster.members[0]!.allocation };
    const kernels = "--output=jsonpath={.items[*].status.nodeInfo.kernelVersion}";
    const { stdout } = await execInMachine(machine, ["kubectl", "get", "nodes", kernels]);
    expect(stdout.split(" ").filter((kernel) => kernel.endsWith("-cloud-amd64"))).toHaveLength(2);
  });

  it("ask for each file once, under EC2's hypervisor with a token, and are refused nothing", () => {
    const [, first, second] = cluster.members.map(({ name }) => name);
    expect(filesOf(first!)).toEqual(["network-config", "meta-data", "user-data", "vendor-data"]);
    const tokens = clouds.requestsOf(second!).filter(({ path }) => path === "latest/api/token");
    expect(tokens).toHaveLength(1);
    const files = filesOf(second!);
    expect(files.filter((file, index) => files.indexOf(file) !== index)).toEqual(["2021-03-23/meta-data/instance-id"]);
    expect(files).toContain("2021-03-23/dynamic/instance-identity/document");
    expect(clouds.requests.filter(({ status, whole }) => status >= 300 || !whole)).toEqual([]);
  });

  it("report their cloud-init stages, which appear on the cluster's timeline", async () => {
    const events = await Array.fromAsync(clouds.lab.client.events(cluster.id, { follow: false }));
    for (const { name } of cluster.members) {
      const reported = events.flatMap((event) =>
        event.type === "cloud-init" && event.member === name ? [`${event.stage} ${event.state}`] : [],
      );
      expect(reported).toEqual(expect.arrayContaining(["init-network done", "phone-home done"]));
    }
  });
});
