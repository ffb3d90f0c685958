import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { WrittenImage } from "./oci-archive.ts";
import { useContainerd, type Ctr } from "./run-containerd.ts";

export interface StoredArchive extends WrittenImage {
  /** Name of the archive in the folder of archives. */
  file: string;
}

/**
 * Imports OCI archives into a containerd store, unpacked for overlayfs, without a registry. Also writes scratch files
 * to `archivesDir`.
 */
export async function importIntoStore(
  {
    rootfs,
    store,
    archivesDir,
    archives,
  }: { rootfs: string; store: string; archivesDir: string; archives: readonly StoredArchive[] },
  { signal }: { signal: AbortSignal },
): Promise<void> {
  await mkdir(store, { recursive: true, mode: 0o711 });
  const place = { rootfs, store, scratchDir: archivesDir };
  await useContainerd(place, { signal, work: (ctr) => importAll(ctr, archives) });
  await removeScratch(store);
}

async function importAll(ctr: Ctr, archives: readonly StoredArchive[]): Promise<void> {
  for (const { file, ref, configDigest } of archives) {
    await ctr(["images", "import", "--snapshotter=overlayfs", `/mnt/${file}`]);
    // The CRI plugin does the same with an image that it pulls: the id is a second name, and both have its label.
    await ctr(["images", "tag", ref, configDigest]);
    for (const name of [ref, configDigest]) await ctr(["images", "label", name, "io.cri-containerd.image=managed"]);
  }
  const stored = new Set((await ctr(["images", "ls", "--quiet"])).split("\n"));
  const missing = archives.filter(({ ref }) => !stored.has(ref)).map(({ ref }) => ref);
  if (missing.length > 0) throw new Error(`Cannot import container images: ${missing.join(", ")} not in the store`);
}

/** Removes the folders that containerd makes again at every start. */
export async function removeScratch(store: string): Promise<void> {
  const kept = ["content", "metadata", "overlayfs"];
  for (const name of await readdir(store))
    if (!kept.some((part) => name.includes(part))) await rm(join(store, name), { recursive: true });
}
