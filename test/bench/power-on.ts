import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "#api/cluster.ts";
import type { Member } from "#api/member.ts";
import type { Phase } from "#api/phase.ts";
import type { BakedImage } from "../../images/baked-image.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { kubernetesVersion, prepareImage, startLab, type Lab } from "../lab/lab.ts";
import { withQemuMachines, type QemuProvider } from "../lab/qemu-provider.ts";

/** Stages of a machine, in order. */
export const milestones = {
  ipxe: "iPXE asks for its script",
  initrd: "initrd asks for the root image",
  root: "root image mounted, systemd starts",
  contact: "bootstrapper at metadata server",
  rendered: "credentials and files written",
  preflight: "containerd answers",
  kubelet: "kubelet started",
  registered: "Node registered",
  ready: "power-on to Ready",
} as const;

/** Seconds from power-on to each stage. */
type PowerOnTimes = Record<keyof typeof milestones, number>;

export interface PowerOnBench {
  /** Each run. */
  runs: PowerOnTimes[];
  goalSeconds: 25;
}

/**
 * A machine without a disk, emulated (QEMU without KVM, BIOS, one core), from power-on to a Ready worker of a real
 * cluster, whose control plane is up before.
 */
export async function benchPowerOn(options: {
  rounds: number;
  onProgress: (text: string) => void;
}): Promise<PowerOnBench> {
  const { rounds, onProgress } = options;
  onProgress("power-on: image");
  const { image } = await prepareImage(undefined, { networkBoot: true });
  const runs: PowerOnTimes[] = [];
  for (let round = 1; round <= rounds; round += 1)
    runs.push(await powerOn(image, (text) => onProgress(`power-on, round ${round} of ${rounds}: ${text}`)));
  return { runs, goalSeconds: 25 };
}

async function powerOn(image: BakedImage, onProgress: (text: string) => void): Promise<PowerOnTimes> {
  const workDir = await mkdtemp(join(tmpdir(), "sprout-power-on-"));
  const controlPlaneUp = Promise.withResolvers<void>();
  let qemu: QemuProvider | undefined;
  const lab = await startLab((nspawn): MachineProvider => {
    const provider = withQemuMachines(nspawn, { image, isEmulated: isWorker, workDir });
    qemu = provider;
    return {
      ...provider,
      async launch(spec, signal) {
        if (isWorker(spec.name)) await controlPlaneUp.promise;
        await provider.launch(spec, signal);
      },
    };
  });
  try {
    onProgress("control plane");
    const { id } = await lab.client.create({ controlPlanes: 1, workers: 1, provider: "nspawn", kubernetesVersion });
    await waitForControlPlane(lab, id);
    onProgress("worker");
    controlPlaneUp.resolve();
    const cluster = await lab.client.wait(id, { condition: "ready", timeoutMs: 200_000 });
    if (cluster.state !== "ready") throw new Error(`Cannot measure: ${cluster.failure?.message ?? cluster.state}`);
    const times = await readTimes(cluster, qemu!);
    await lab.client.delete(id);
    await lab.client.wait(id, { condition: "deleted", timeoutMs: 60_000 });
    return times;
  } catch (error) {
    // A pending request would keep the server from closing.
    controlPlaneUp.promise.catch(() => undefined);
    controlPlaneUp.reject(error);
    throw error;
  } finally {
    await lab.close();
    await rm(workDir, { recursive: true });
  }
}

const isWorker = (name: string) => name.startsWith("node");

/** Waits until the cluster misses nothing but its worker. */
async function waitForControlPlane({ client }: Lab, id: string): Promise<void> {
  for (;;) {
    const { state, members, failure } = await client.get(id);
    if (state === "failed") throw new Error(`Cannot measure: ${failure?.message}`);
    const [first] = members;
    if (first && isDone(first, "cluster-config") && isDone(first, "network") && isDone(first, "confirm")) return;
    await sleep(100);
  }
}

const isDone = ({ phases }: Member, wanted: Phase) =>
  phases.some(({ phase, state }) => phase === wanted && state === "done");

async function readTimes({ members, readyAt }: Cluster, { machines, services }: QemuProvider): Promise<PowerOnTimes> {
  const [machine] = machines.values();
  const [boot] = services.values();
  const worker = members.find(({ name }) => name === machine?.name);
  const seconds = (at: number) => (at - (machine?.poweredOnAt ?? Number.NaN)) / 1000;
  const asked = (path: string) => seconds(boot?.requests.find((request) => request.path === path)?.at ?? Number.NaN);
  const done = (wanted: Phase) => seconds(Date.parse(worker?.phases.find(({ phase }) => phase === wanted)?.at ?? ""));
  const console = await readFile(machine!.consoleFile, "utf8");
  const uptime = (what: string) => Number(new RegExp(`sprout: ${what} after ([\\d.]+) s`).exec(console)?.[1]);
  const initrd = asked("/root.squashfs");
  return {
    ipxe: asked("/boot.ipxe"),
    initrd,
    // By the machine's clock, which only the machine can read.
    root: initrd + uptime("starts its root") - uptime("has an address"),
    contact: seconds(Date.parse(worker?.firstContactAt ?? "")),
    rendered: done("render"),
    preflight: done("preflight"),
    kubelet: done("kubelet"),
    registered: done("register"),
    ready: seconds(Date.parse(readyAt ?? "")),
  };
}
