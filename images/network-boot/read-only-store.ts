import { cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "#lib/run.ts";
import { removeScratch } from "../containerd-store.ts";
import { useContainerd } from "../run-containerd.ts";
import { parseJsonOrNothing } from "#lib/json.ts";

const blobsFolder = "io.containerd.content.v1.content/blobs/sha256";
const snapshotsFolder = "io.containerd.snapshotter.v1.overlayfs/snapshots";
const databases = ["io.containerd.metadata.v1.bolt/meta.db", "io.containerd.snapshotter.v1.overlayfs/metadata.db"];

interface ReadOnlyStoreInputs {
  rootfs: string;
  /** The image's whole store, which stays unchanged. */
  store: string;
  /** References of the container images to leave out. */
  unwantedImages: readonly string[];
  scratchDir: string;
}

/**
 * Writes a containerd store to `target` for a root image. The blobs of unpacked layers are empty files there:
 * containerd opens them but reads nothing.
 */
export async function writeReadOnlyStore(
  target: string,
  { rootfs, store, unwantedImages, scratchDir }: ReadOnlyStoreInputs,
  { signal }: { signal: AbortSignal },
): Promise<void> {
  await run("cp", ["--archive", "--link", store, target], { signal });
  for (const file of databases)
    await run("cp", ["--archive", "--remove-destination", join(store, file), join(target, file)], { signal });
  await mkdir(scratchDir, { recursive: true });
  await useContainerd(
    { rootfs, store: target, scratchDir },
    { signal, work: (ctr) => removeImages(ctr, unwantedImages) },
  );
  await removeScratch(target);
  for (const digest of await layers(join(target, blobsFolder))) {
    // A new file, because the old one is a hard link into the whole store.
    await rm(join(target, blobsFolder, digest));
    await writeFile(join(target, blobsFolder, digest), "");
  }
}

/** Removes both names of each image; the last call also removes content that no image uses. */
async function removeImages(ctr: (args: readonly string[]) => Promise<string>, refs: readonly string[]) {
  if (refs.length === 0) return;
  const rows = (await ctr(["images", "ls"])).split("\n").map((row) => row.split(/\s+/));
  const digestOf = (ref: string) => rows.find(([name]) => name === ref)?.[2];
  const digests = refs.map(digestOf);
  const names = rows.filter((row) => digests.includes(row[2])).map(([name = ""]) => name);
  await ctr(["images", "rm", "--sync", ...names]);
}

/** Returns the digests, without algorithm, that manifests among the blobs name as layers. */
async function layers(blobsDir: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (const name of await readdir(blobsDir)) {
    if ((await stat(join(blobsDir, name))).size > maxManifestBytes) continue;
    for (const { digest } of parseLayers(await readFile(join(blobsDir, name), "utf8")))
      found.add(digest.replace("sha256:", ""));
  }
  return found;
}

const maxManifestBytes = 4 * 1024 * 1024;

/** Returns a manifest's layers (OCI image-spec, manifest.md); none for any other blob. */
export const parseLayers = (blob: string): { digest: string }[] =>
  (parseJsonOrNothing(blob) as { layers?: { digest: string }[] } | null | undefined)?.layers ?? [];

/**
 * Writes the first contents of /var/lib/containerd for a machine whose store at `path` is read-only: its own databases,
 * and links to blobs and unpacked layers, which are never written.
 */
export async function writeStoreStart(target: string, { store, path }: { store: string; path: string }): Promise<void> {
  for (const folder of [blobsFolder, snapshotsFolder, "io.containerd.content.v1.content/ingest"])
    await mkdir(join(target, folder), { recursive: true, mode: 0o711 });
  for (const file of databases) {
    await mkdir(join(target, file, ".."), { recursive: true });
    await cp(join(store, file), join(target, file), { preserveTimestamps: true });
  }
  for (const folder of [blobsFolder, snapshotsFolder])
    for (const name of await readdir(join(store, folder)))
      await symlink(join(path, folder, name), join(target, folder, name));
}
