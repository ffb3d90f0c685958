import { mkdtempDisposable, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "#api/cluster.ts";
import { createKubectl, type Kubectl } from "../../cli/demo/kubectl.ts";
import { runWorkload } from "../../cli/demo/workload.ts";
import { startLab, type Lab } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";

/** Seconds from the POST, in order of the runs. */
export interface VersionTimes {
  version: string;
  /** 1 + 3, to all Ready and to DNS on every node. */
  ready: number[];
  dns: number[];
  /** 1 + 2 whose workers join by `kubeadm join`, to all Ready. */
  joined: number[];
  /** From the reboot of every machine of a 1 + 3 until its pods answer, by name too. */
  reboot: number;
}

export interface MeasureOptions {
  version: string;
  kubectl: string;
  runs: number;
  onProgress: (text: string) => void;
}

const timeoutMs = 240_000;

/** Real clusters of one version. Throws if one does not become available or does not survive a reboot. */
export async function measureVersion({ version, kubectl, runs, onProgress }: MeasureOptions): Promise<VersionTimes> {
  const times: VersionTimes = { version, ready: [], dns: [], joined: [], reboot: 0 };
  const lab = await startLab();
  try {
    for (let run = 1; run <= runs; run += 1) {
      onProgress(`${version}: 1 + 3, ${run} of ${runs}`);
      const cluster = await bringUp(lab, { version, workers: 3 });
      times.ready.push(secondsTo(cluster, cluster.readyAt));
      times.dns.push(secondsTo(cluster, cluster.availableAt));
      if (run === runs) {
        onProgress(`${version}: reboot of every machine`);
        times.reboot = await rebootAll(lab, { cluster, kubectl });
      }
      await remove(lab, cluster);
    }
    for (let run = 1; run <= runs; run += 1) {
      onProgress(`${version}: 1 + 2 by kubeadm join, ${run} of ${runs}`);
      const cluster = await bringUp(lab, { version, workers: 2, join: "kubeadm" });
      times.joined.push(secondsTo(cluster, cluster.readyAt));
      await remove(lab, cluster);
    }
    return times;
  } finally {
    await lab.close();
  }
}

const secondsTo = ({ createdAt }: Cluster, at: string | null) => (Date.parse(at ?? "") - Date.parse(createdAt)) / 1000;

async function bringUp(
  { client }: Lab,
  { version, ...rest }: { version: string; workers: number; join?: "kubeadm" },
): Promise<Cluster> {
  const { id } = await client.create({ controlPlanes: 1, provider: "nspawn", kubernetesVersion: version, ...rest });
  const cluster = await client.wait(id, { condition: "available", timeoutMs });
  if (cluster.availableAt === null)
    throw new Error(
      `Cannot measure ${version}: ${cluster.failure?.message ?? `the cluster is ${cluster.state}, not available`}`,
    );
  return cluster;
}

async function remove({ client }: Lab, { id }: Cluster): Promise<void> {
  await client.delete(id);
  await client.wait(id, { condition: "deleted", timeoutMs });
}

async function rebootAll(
  lab: Lab,
  { cluster, kubectl: program }: { cluster: Cluster; kubectl: string },
): Promise<number> {
  await using folder = await mkdtempDisposable(join(tmpdir(), "sprout-versions-"));
  const kubeconfig = join(folder.path, "kubeconfig");
  await writeFile(kubeconfig, await lab.client.kubeconfig(cluster.id), { mode: 0o600 });
  const signal = AbortSignal.timeout(timeoutMs);
  const kubectl = createKubectl({ program, kubeconfig, signal });
  const before = await bootIds(kubectl);
  const startedAt = Date.now();
  const { machinesDir } = lab;
  for (const { allocation } of cluster.members)
    await execInMachine({ machinesDir, allocation }, ["systemctl", "reboot"], { signal });
  for (;;) {
    const now = await bootIds(kubectl).catch((): string[] => []);
    if (now.length === before.length && now.every((id) => !before.includes(id))) break;
    await sleep(500, undefined, { signal });
  }
  await kubectl(["wait", "nodes", "--all", "--for=condition=Ready", "--timeout=120s"]);
  await runWorkload({ kubectl, nodes: cluster.members.length, timeoutMs: 120_000, signal, now: Date.now });
  return (Date.now() - startedAt) / 1000;
}

const bootIds = async (kubectl: Kubectl) =>
  (await kubectl(["get", "nodes", "-o", "jsonpath={.items[*].status.nodeInfo.bootID}"])).split(" ");
