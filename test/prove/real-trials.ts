import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { Cluster } from "#api/cluster.ts";
import { messageOf } from "#lib/errors.ts";
import { waitForStep } from "../lab/console.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { execInMachine } from "../lab/machine-exec.ts";
import { planReal } from "./plan-real.ts";
import type { Trial } from "./trial.ts";

interface RealTrials {
  series: "real" | "real-faults";
  seeds: readonly number[];
  cpuSeconds: () => Promise<number>;
  onTrial: (trial: Trial) => Promise<void>;
  signal: AbortSignal;
}

type RealFault = ReturnType<typeof planReal>["faults"][number];

const deadlineSeconds = 180;
const limitMs = 300_000;
const commands: Record<RealFault["kind"], string[]> = {
  "kill-bootstrapper": ["systemctl", "kill", "--signal=KILL", "sprout-bootstrap.service"],
  // Nothing is stopped or flushed first.
  "cut-power": ["systemctl", "reboot", "--force", "--force"],
  "drop-packets": "iptables -I INPUT -i eth0 -m statistic --mode random --probability 0.05 -j DROP".split(" "),
};

/** Brings up real clusters, one after another, on the server in this process. */
export async function runRealTrials({ series, seeds, cpuSeconds, onTrial, signal }: RealTrials): Promise<void> {
  if (seeds.length === 0) return;
  const lab = await startLab();
  try {
    for (const seed of seeds) {
      if (signal.aborted) return;
      const trial = await runTrial(lab, { series, seed });
      await onTrial({ ...trial, cpuSeconds: await cpuSeconds() });
    }
  } finally {
    await lab.close();
  }
}

async function runTrial(
  lab: Lab,
  { series, seed }: Pick<Trial, "seed"> & Pick<RealTrials, "series">,
): Promise<Omit<Trial, "cpuSeconds">> {
  const { controlPlanes, workers, faults } = planReal(seed);
  const name = `${series}-${seed}`;
  const body = { name, controlPlanes, workers, provider: "nspawn", deadlineSeconds };
  const common = {
    series,
    seed,
    provider: "nspawn",
    kubernetesVersion: defaultKubernetesVersion,
    nodes: controlPlanes + workers,
    unavoidable: null,
  };
  const struck: string[] = [];
  const ended = new AbortController();
  try {
    const created = await lab.client.create(body);
    const striking = (series === "real-faults" ? faults : []).map(async (fault) => {
      await strike(lab, { fault, cluster: created, signal: ended.signal });
      struck.push(fault.kind);
    });
    const cluster = await lab.client.wait(created.id, { condition: "available", timeoutMs: limitMs });
    ended.abort();
    await Promise.allSettled(striking);
    await lab.client.delete(cluster.id);
    await lab.client.wait(cluster.id, { condition: "deleted", timeoutMs: limitMs });
    return { ...common, faults: struck, ...timesOf(cluster), failure: whyNotAvailable(cluster) };
  } catch (error) {
    return { ...common, faults: struck, readySeconds: null, availableSeconds: null, failure: messageOf(error) };
  } finally {
    ended.abort();
  }
}

async function strike(
  { machinesDir }: Lab,
  { fault, cluster, signal }: { fault: RealFault; cluster: Cluster; signal: AbortSignal },
): Promise<void> {
  const machine = { machinesDir, allocation: cluster.members[fault.node]?.allocation ?? "" };
  const [phase, state] = fault.at;
  await waitForStep(machine, { phase, state, signal });
  await execInMachine(machine, commands[fault.kind], { signal });
}

function timesOf({ createdAt, readyAt, availableAt }: Cluster): Pick<Trial, "readySeconds" | "availableSeconds"> {
  const since = (at: string | null) => (at === null ? null : (Date.parse(at) - Date.parse(createdAt)) / 1000);
  return { readySeconds: since(readyAt), availableSeconds: since(availableAt) };
}

const whyNotAvailable = ({ availableAt, failure, state }: Cluster): string | null =>
  availableAt === null ? (failure?.message ?? `the cluster is ${state}, and DNS did not answer on every node`) : null;
