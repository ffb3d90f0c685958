import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseSubnet } from "#lib/subnet.ts";
import { endLeftOver } from "../../metadata-server/dhcp/dnsmasq.ts";
import { createNspawnProvider } from "../../metadata-server/providers/nspawn/nspawn-provider.ts";
import { reapLinks } from "./links.ts";

/** On a real file system: containerd's snapshotter and etcd cannot live on an overlay or a small tmpfs. */
const labsDir = "/var/lib/sprout/lab";

/** The subnet of the machines' addresses. */
export const machineNetwork = parseSubnet("10.77.0.0/16");

/** A data folder for this process; its machines are in `machines` below it. */
export async function createLabFolder(): Promise<string> {
  await mkdir(labsDir, { recursive: true });
  return mkdtemp(join(labsDir, `${process.pid}-`));
}

/** Terminates and removes the machines, networks and folders of killed test runs. Leaves active runs alone. */
export async function reapDeadLabs(): Promise<void> {
  const names = await readdir(labsDir).catch((): string[] => []);
  for (const name of names.filter((folder) => !isAlive(Number.parseInt(folder, 10)))) {
    const folder = join(labsDir, name);
    const provider = createNspawnProvider({
      imagesDir: "unused",
      machinesDir: join(folder, "machines"),
      network: machineNetwork,
      serverPort: 9,
    });
    for (const left of await provider.list())
      await (left.allocation ? provider.terminate(left) : provider.release(left.clusterId));
    await endLeftOver(join(folder, "dhcp"));
    await rm(folder, { recursive: true });
  }
  await reapLinks(isAlive);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
