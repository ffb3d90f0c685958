import { rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createNspawnProvider } from "../../metadata-server/providers/nspawn/nspawn-provider.ts";
import type { MachineProvider, MachineSpec } from "../../metadata-server/providers/provider.ts";
import { patience } from "../fixtures/patience.ts";
import { describeProviderContract } from "../contract/provider-contract.ts";
import { execInMachine, killMachine } from "../lab/machine-exec.ts";
import { createLabFolder, machineNetwork } from "../lab/lab-folders.ts";
import { cacheDir, kubernetesVersion, prepareImage, whyNoMachines } from "../lab/lab.ts";

const reason = whyNoMachines();

const open = (folder: string) =>
  createNspawnProvider({
    imagesDir: join(cacheDir, "images"),
    machinesDir: join(folder, "machines"),
    network: machineNetwork,
    serverPort: 9,
  });

/** Launches a machine whose server does not exist; runs `work`, and removes it. */
async function withMachine(
  name: string,
  work: (launched: { provider: MachineProvider; machine: MachineSpec; machinesDir: string }) => Promise<void>,
): Promise<void> {
  const folder = await createLabFolder();
  const provider = open(folder);
  const [clusterId, allocation] = [`c-${name}`, `a-${name}`];
  const members = [{ name: "cp01.machine.test", role: "control-plane" as const, allocation }];
  const { machines, serverUrl, providerData } = await provider.reserve({ clusterId, members });
  const seed = { server: serverUrl, ca: "unused", capability: "unused" };
  const machine = { ...machines[0]!, clusterId, allocation, kubernetesVersion, providerData, seed };
  try {
    await provider.launch(machine, AbortSignal.timeout(30_000));
    await work({ provider, machine, machinesDir: join(folder, "machines") });
  } finally {
    await provider.terminate(machine);
    await provider.release(clusterId);
    await rm(folder, { recursive: true });
  }
}

describe.skipIf(reason !== null)(`real nspawn machines${reason ? ` (skipped: ${reason})` : ""}`, () => {
  beforeAll(async () => {
    await prepareImage();
  });

  it("gives a machine the controllers that kubelet and containers need, to use as its own", async () => {
    await withMachine("controllers22222", async ({ machine, machinesDir }) => {
      const script = `set -e
        if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
          mkdir /sys/fs/cgroup/probe && cat /sys/fs/cgroup/cgroup.controllers && rmdir /sys/fs/cgroup/probe
        else
          for name in cpu memory pids; do mkdir /sys/fs/cgroup/$name/probe && rmdir /sys/fs/cgroup/$name/probe && echo $name; done
        fi`;
      const controllers = async () => {
        const machineRef = { machinesDir, allocation: machine.allocation };
        const { stdout, stderr } = await execInMachine(machineRef, ["sh", "-c", script]);
        return stderr || stdout.split(/\s+/);
      };
      // The machine takes over the hierarchies in the first moments of its boot.
      await expect
        .poll(controllers, { timeout: 20_000 })
        .toEqual(expect.arrayContaining(["cpu", "memory", "pids"]) as string[]);
    });
  });

  it("surveys a machine that runs, and says that it ended once it was killed", async () => {
    await withMachine("survey2222222222", async ({ provider, machine, machinesDir }) => {
      const { clusterId, allocation } = machine;
      const running = { clusterId, allocation, id: `sprout-${allocation}`, kind: "container", state: "running" };
      expect(await provider.survey?.()).toMatchObject([running]);
      await killMachine({ machinesDir, allocation });
      await expect
        .poll(async () => provider.survey?.(), patience)
        .toMatchObject([{ ...running, state: "ended", ended: expect.stringContaining("console.log") as string }]);
    });
  });

  describeProviderContract("nspawn", async () => {
    const folder = await createLabFolder();
    return {
      provider: open(folder),
      kubernetesVersion,
      reopen: () => open(folder),
      destroy: () => rm(folder, { recursive: true }),
    };
  });
});
