import { randomBytes } from "node:crypto";
import { mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { run } from "../../run.ts";
import type { MachineSpec } from "../provider.ts";

/** What is kept of a machine, beside its files, to find everything again that is its own. No secrets. */
export const MachineRecord = z.strictObject({
  clusterId: z.string(),
  allocation: z.string(),
  name: z.string(),
  address: z.string(),
  mac: z.string(),
  bridge: z.string(),
  cgroups: z.array(z.string()),
});
export type MachineRecord = z.infer<typeof MachineRecord>;

/** Folders bound into the machine: containerd's snapshotter and etcd cannot live on an overlay root. */
export const bindFolders = { containerd: "/var/lib/containerd", kubelet: "/var/lib/kubelet", etcd: "/var/lib/etcd" };

export const recordFile = (folder: string) => join(folder, "machine.json");
export const consoleFile = (folder: string) => join(folder, "console.log");

/** What the machine, or nspawn itself, said last; empty where it said nothing. */
export const readConsoleTail = async (folder: string) =>
  (await readFile(consoleFile(folder), "utf8").catch(() => "")).slice(-2000).trim();

/** Writes all that a machine boots from, below `folder`; mounts its root. */
export async function createMachineFolder(
  folder: string,
  options: { spec: MachineSpec; record: MachineRecord; image: string; signal: AbortSignal },
): Promise<void> {
  const { spec, record, image, signal } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // Renamed into place: a record is whole or absent, also after a crash in between.
  await writeFile(`${recordFile(folder)}.new`, JSON.stringify(record));
  await rename(`${recordFile(folder)}.new`, recordFile(folder));
  for (const name of ["upper", "work", "root", "kubelet", "etcd"]) await mkdir(join(folder, name), { recursive: true });
  await mkdir(join(folder, "upper/etc"), { recursive: true });
  await writeFile(join(folder, "upper/etc/hostname"), `${record.name}\n`);
  await writeFile(join(folder, "upper/etc/hosts"), `127.0.0.1 localhost\n${record.address} ${record.name}\n`);
  await writeFile(join(folder, "upper/etc/machine-id"), `${randomBytes(16).toString("hex")}\n`);
  await writeFile(join(folder, "seed.json"), JSON.stringify(spec.seed), { mode: 0o600 });
  await Promise.all([
    cloneContainerdStore(join(image, "containerd"), join(folder, "containerd"), signal),
    mountRoot(folder, join(image, "rootfs"), signal),
  ]);
}

async function mountRoot(folder: string, lower: string, signal: AbortSignal) {
  const options = `lowerdir=${lower},upperdir=${join(folder, "upper")},workdir=${join(folder, "work")}`;
  await run("mount", ["-t", "overlay", "overlay", "-o", options, join(folder, "root")], { signal });
}

// Blobs and snapshot files are never written in place and can be hard links; the databases are.
async function cloneContainerdStore(from: string, to: string, signal: AbortSignal) {
  await run("cp", ["--archive", "--link", from, to], { signal });
  for (const file of await listDatabases(from))
    await run("cp", ["--archive", "--remove-destination", join(from, file), join(to, file)], { signal });
}

/** One or none in each plugin's folder; not by a recursive look, which would follow the links in unpacked layers. */
async function listDatabases(store: string): Promise<string[]> {
  const plugins = (await readdir(store, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const files = await Promise.all(plugins.map(async ({ name }) => listFiles(store, name)));
  return files.flat().filter((file) => file.endsWith(".db"));
}

async function listFiles(store: string, plugin: string): Promise<string[]> {
  const entries = await readdir(join(store, plugin), { withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => join(plugin, name));
}

/** Undefined where the folder holds no machine. */
export async function readMachineRecord(folder: string): Promise<MachineRecord | undefined> {
  const text = await readFile(recordFile(folder), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const parsed = MachineRecord.safeParse(parseJson(text));
  if (!parsed.success) throw new Error(`Cannot read ${recordFile(folder)}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Unmounts the root and removes the folder. No error where there is none. */
export async function removeMachineFolder(folder: string): Promise<void> {
  await run("umount", [join(folder, "root")]).catch((error: unknown) => {
    if (!/not mounted|no mount point/.test(String((error as { stderr?: string }).stderr))) throw error;
  });
  await rm(folder, { recursive: true, force: true });
}
