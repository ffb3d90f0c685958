import { rm } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { createNspawnProvider } from "../../metadata-server/providers/nspawn/nspawn-provider.ts";
import { describeProviderContract } from "../contract/provider-contract.ts";
import { execInMachine } from "../lab/machine-exec.ts";
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

describe.skipIf(reason !== null)(`real nspawn machines${reason ? ` (skipped: ${reason})` : ""}`, () => {
  beforeAll(async () => {
    await prepareImage();
  });

  it("gives a machine the controllers that kubelet and containers need, to use as its own", async () => {
    const folder = await createLabFolder();
    const machinesDir = join(folder, "machines");
    const provider = open(folder);
    const clusterId = "c-controllers22222";
    const members = [
      { name: "cp01.controllers.test", role: "control-plane" as const, allocation: "a-controllers22222" },
    ];
    const segment = await provider.reserve({ clusterId, members });
    const machine = { ...segment.machines[0]!, clusterId, allocation: "a-controllers22222", kubernetesVersion };
    const seed = { server: segment.serverUrl, ca: "unused", capability: "unused" };
    try {
      await provider.launch({ ...machine, providerData: segment.providerData, seed }, AbortSignal.timeout(30_000));
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
    } finally {
      await provider.terminate(machine);
      await provider.release(clusterId);
      await rm(folder, { recursive: true });
    }
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
