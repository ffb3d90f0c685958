import { randomBytes } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { readOptional } from "#lib/files.ts";
import { parseJsonOrNothing } from "#lib/json.ts";
import { replaceFile } from "#lib/replace-file.ts";
import { formatFieldErrors, parseFields } from "#api/field-errors.ts";
import { run } from "#lib/run.ts";
import type { ImagePaths } from "#lib/image-folder.ts";
import type { MachineSpec } from "../provider.ts";

/** Where a machine's resources are, to find them again after a restart. No secrets. */
export const NspawnRecord = z.strictObject({
  clusterId: z.string(),
  allocation: z.string(),
  name: z.string(),
  address: z.string(),
  mac: z.string(),
  bridge: z.string(),
  cgroups: z.array(z.string()),
});
export type NspawnRecord = z.infer<typeof NspawnRecord>;

/** Folders bound into the machine: containerd's snapshotter and etcd cannot live on an overlay root. */
export const bindFolders = { containerd: "/var/lib/containerd", kubelet: "/var/lib/kubelet", etcd: "/var/lib/etcd" };

export const recordFile = (folder: string) => join(folder, "machine.json");
export const consoleFile = (folder: string) => join(folder, "console.log");

/** The end of what the machine, or nspawn, wrote to the console; empty if there is nothing. */
export const readConsoleTail = async (folder: string) =>
  (await readFile(consoleFile(folder), "utf8").catch(() => "")).slice(-2000).trim();

/** Writes everything that a machine boots from into `folder`, and mounts its root. */
export async function createMachineFolder(
  folder: string,
  options: { spec: MachineSpec; record: NspawnRecord; image: ImagePaths; signal: AbortSignal },
): Promise<void> {
  const { spec, record, image, signal } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await replaceFile(recordFile(folder), JSON.stringify(record), { mode: 0o644 });
  for (const name of ["upper", "work", "root", "kubelet", "etcd"]) await mkdir(join(folder, name), { recursive: true });
  await mkdir(join(folder, "upper/etc"), { recursive: true });
  await writeFile(join(folder, "upper/etc/hostname"), `${record.name}\n`);
  await writeFile(join(folder, "upper/etc/hosts"), `127.0.0.1 localhost\n${record.address} ${record.name}\n`);
  await writeFile(join(folder, "upper/etc/machine-id"), `${randomBytes(16).toString("hex")}\n`);
  await writeFile(join(folder, "seed.json"), JSON.stringify(spec.seed), { mode: 0o600 });
  await Promise.all([
    cloneContainerdStore(image.containerdStore, join(folder, "containerd"), signal),
    mountRoot(folder, image.rootfs, signal),
  ]);
}

async function mountRoot(folder: string, lower: string, signal: AbortSignal) {
  const options = `lowerdir=${lower},upperdir=${join(folder, "upper")},workdir=${join(folder, "work")}`;
  await run("mount", ["-t", "overlay", "overlay", "-o", options, join(folder, "root")], { signal });
}

// containerd never writes blobs and snapshot files in place, so they can be hard links; its databases cannot.
async function cloneContainerdStore(from: string, to: string, signal: AbortSignal) {
  await run("cp", ["--archive", "--link", from, to], { signal });
  for (const file of await listDatabases(from))
    await run("cp", ["--archive", "--remove-destination", join(from, file), join(to, file)], { signal });
}

/** Each plugin's folder has one or none. A recursive search would follow links in unpacked layers. */
async function listDatabases(store: string): Promise<string[]> {
  const plugins = (await readdir(store, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const files = await Promise.all(plugins.map(async ({ name }) => listFiles(store, name)));
  return files.flat().filter((file) => file.endsWith(".db"));
}

async function listFiles(store: string, plugin: string): Promise<string[]> {
  const entries = await readdir(join(store, plugin), { withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => join(plugin, name));
}

/** Undefined if the folder holds no machine. */
export async function readNspawnRecord(folder: string): Promise<NspawnRecord | undefined> {
  const text = await readOptional(recordFile(folder));
  if (text === undefined) return undefined;
  const { data, errors } = parseFields(NspawnRecord, parseJsonOrNothing(text));
  if (errors) throw new Error(`Cannot read ${recordFile(folder)}: ${formatFieldErrors(errors)}`);
  return data;
}

/** Unmounts the root and removes the folder. No error if there is none. */
export async function removeMachineFolder(folder: string): Promise<void> {
  await run("umount", [join(folder, "root")]).catch((error: unknown) => {
    if (!/not mounted|no mount point/.test(String((error as { stderr?: string }).stderr))) throw error;
  });
  await rm(folder, { recursive: true, force: true });
}
