import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { endLeftOver } from "../../metadata-server/dhcp/dnsmasq.ts";
import { createNspawnProvider } from "../../metadata-server/providers/nspawn/nspawn-provider.ts";
import { reapLinks } from "./links.ts";

/** On a real file system: containerd's snapshotter and etcd cannot live on an overlay or a small tmpfs. */
const labsDir = "/var/lib/sprout/lab";

/** First two octets of the machines' addresses. */
export const networkPrefix = "10.77";

/** A data folder of this process's own; `machines` below it is where its machines are. */
export async function createLabFolder(): Promise<string> {
  await mkdir(labsDir, { recursive: true });
  return mkdtemp(join(labsDir, `${process.pid}-`));
}

/** Ends and removes what test runs left that were killed: machines, networks, folders. Runs under way are left alone. */
export async function reapDeadLabs(): Promise<void> {
  const names = await readdir(labsDir).catch((): string[] => []);
  for (const name of names.filter((folder) => !isAlive(Number.parseInt(folder, 10)))) {
    const folder = join(labsDir, name);
    const provider = createNspawnProvider({
      imagesDir: "unused",
      machinesDir: join(folder, "machines"),
      networkPrefix,
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
