import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hasCgroupV1 } from "../../../bootstrapper/machine/cgroups.ts";
import { createNspawnProvider } from "../../../metadata-server/providers/nspawn/nspawn-provider.ts";
import type { MachineProvider } from "../../../metadata-server/providers/provider.ts";
import { run } from "#lib/run.ts";
import { parseSubnet } from "#lib/subnet.ts";
import { execInMachine } from "../../lab/machine-exec.ts";
import type { BringUpTimes } from "../bring-up-times.ts";
import { busyCpuSeconds } from "../host-cpu.ts";
import { initConfiguration, writeReferenceLayer } from "./layer.ts";

// FROZEN: a control plane by `kubeadm init`, then workers by `kubeadm join`, by hand on the same machines and binaries.

const token = "abcdef.0123456789abcdef";
const clusterId = "c-reference2222222";

const allocationOf = (name: string) => `a-reference${name.padStart(7, "a")}`;

/** As `BringUpTimes`, from the first machine's start. */
export interface ReferenceTimes extends BringUpTimes {
  controlPlaneReady: number;
}

/**
 * Brings up 1 control plane and `workers` workers by hand, as a person with a shell would, and removes them.
 * `image` is the project's baked image; `workDir` must be on a real file system.
 */
export async function bringUpByHand(options: {
  image: string;
  version: string;
  workers: number;
  workDir: string;
  signal: AbortSignal;
}): Promise<ReferenceTimes> {
  const { version, signal } = options;
  const folder = join(options.workDir, "reference");
  const machinesDir = join(folder, "machines");
  const provider = createNspawnProvider({
    imagesDir: join(folder, "images"),
    machinesDir,
    network: parseSubnet("10.78.0.0/16"),
    serverPort: 9,
  });
  const removeAll = () => removeReference(folder, { provider, version });
  await removeAll();
  await layerImage(join(folder, "images", version), options.image);
  const names = ["m1", ...Array.from({ length: options.workers }, (_, index) => `m${index + 2}`)];
  const members = names.map((name, index) => ({
    name,
    role: index === 0 ? ("control-plane" as const) : ("worker" as const),
    allocation: allocationOf(name),
  }));
  const exec = (name: string, argv: string[], input?: string) =>
    execInMachine({ machinesDir, allocation: allocationOf(name) }, argv, {
      signal,
      ...(input === undefined ? {} : { input }),
    });
  const must = async (name: string, argv: string[]) => {
    const result = await exec(name, argv);
    if (result.exitCode !== 0)
      throw new Error(`Cannot run ${argv.join(" ")} on ${name}: ${result.stderr || result.stdout}`);
    return result.stdout;
  };
  const ready = async (count: number) => {
    for (;;) {
      const { stdout } = await exec("m1", ["kubectl", "get", "nodes", "--no-headers"]);
      if (stdout.split("\n").filter((line) => / Ready /.test(line)).length >= count) return;
      await sleep(300, undefined, { signal });
    }
  };
  const dnsReady = async () => {
    const replicas = ["--namespace=kube-system", "--output=jsonpath={.status.readyReplicas}"];
    for (;;) {
      const { stdout } = await exec("m1", ["kubectl", "get", "deployment", "coredns", ...replicas]);
      if (Number(stdout) > 0) return;
      await sleep(300, undefined, { signal });
    }
  };

  try {
    const segment = await provider.reserve({ clusterId, members });
    const launch = async (name: string) => {
      const machine = segment.machines.find((planned) => planned.name === name)!;
      const seed = { server: segment.serverUrl, ca: "unused", capability: "unused" };
      const spec = {
        ...machine,
        clusterId,
        allocation: allocationOf(name),
        kubernetesVersion: version,
        providerData: segment.providerData,
        seed,
      };
      await provider.launch(spec, signal);
      // The command fails until systemd answers.
      while ((await exec(name, ["systemctl", "is-system-running", "--wait"])).exitCode !== 0)
        await sleep(50, undefined, { signal });
      return machine.address!;
    };

    // The machines are containers with this host's cgroups.
    const onV1 = await hasCgroupV1("/");
    const ignored = onV1 ? ["--ignore-preflight-errors=SystemVerification"] : [];
    const cpuBefore = await busyCpuSeconds();
    const start = performance.now();
    const seconds = () => (performance.now() - start) / 1000;
    const cpu = async () => (await busyCpuSeconds()) - cpuBefore;
    const address = await launch("m1");
    await exec(
      "m1",
      ["tee", "/root/kubeadm-init.yaml"],
      initConfiguration({ name: "m1", address, version, token, hasCgroupV1: onV1 }),
    );
    await must("m1", ["kubeadm", "init", "--config", "/root/kubeadm-init.yaml", ...ignored]);
    await ready(1);
    const controlPlaneReady = seconds();
    await Promise.all(
      names.slice(1).map(async (name) => {
        await launch(name);
        await must(name, [
          "kubeadm",
          "join",
          `${address}:6443`,
          "--token",
          token,
          "--discovery-token-unsafe-skip-ca-verification",
          "--node-name",
          name,
          ...ignored,
        ]);
      }),
    );
    await ready(names.length);
    const toReady = { ready: seconds(), cpuToReady: await cpu() };
    await dnsReady();
    return { controlPlaneReady, ...toReady, dns: seconds(), cpuToDns: await cpu() };
  } finally {
    await removeAll();
  }
}

// Also removes the leftovers of a killed run.
async function removeReference(folder: string, options: { provider: MachineProvider; version: string }) {
  const left = await options.provider.list();
  await Promise.all(left.filter(({ allocation }) => allocation).map((machine) => options.provider.terminate(machine)));
  await options.provider.release(clusterId);
  await run("umount", [join(folder, "images", options.version, "rootfs")]).catch(() => undefined);
  await rm(folder, { recursive: true, force: true });
}

async function layerImage(target: string, image: string) {
  const layer = join(target, "layer");
  for (const name of [layer, join(target, "rootfs"), join(target, "upper"), join(target, "work")])
    await mkdir(name, { recursive: true });
  await writeReferenceLayer(layer);
  await run("mount", [
    "-t",
    "overlay",
    "overlay",
    "-o",
    `lowerdir=${layer}:${join(image, "rootfs")}`,
    join(target, "rootfs"),
  ]);
  await run("cp", ["--archive", "--link", join(image, "containerd"), join(target, "containerd")]);
  await writeFile(join(target, "manifest.json"), "{}");
}
