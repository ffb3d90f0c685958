import { cp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../metadata-server/run.ts";
import { removeScratch } from "../containerd-store.ts";
import { useContainerd } from "../run-containerd.ts";

const blobsFolder = "io.containerd.content.v1.content/blobs/sha256";
const snapshotsFolder = "io.containerd.snapshotter.v1.overlayfs/snapshots";
const databases = ["io.containerd.metadata.v1.bolt/meta.db", "io.containerd.snapshotter.v1.overlayfs/metadata.db"];

export interface ReadOnlyStoreInputs {
  rootfs: string;
  /** The image's whole store; it stays as it is. */
  store: string;
  /** References of the container images to leave out. */
  unwantedImages: readonly string[];
  scratchDir: string;
}

/**
 * A containerd store in `target` for a root image. Layers that are unpacked are empty files there; containerd opens them
 * and reads none.
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
    // A new file: the old one's content is the whole store's too.
    await rm(join(target, blobsFolder, digest));
    await writeFile(join(target, blobsFolder, digest), "");
  }
}

/** Both names of each, the last time with the content that no image has any more. */
async function removeImages(ctr: (args: readonly string[]) => Promise<string>, refs: readonly string[]) {
  if (refs.length === 0) return;
  const rows = (await ctr(["images", "ls"])).split("\n").map((row) => row.split(/\s+/));
  const digestOf = (ref: string) => rows.find(([name]) => name === ref)?.[2];
  const digests = refs.map(digestOf);
  const names = rows.filter((row) => digests.includes(row[2])).map(([name = ""]) => name);
  await ctr(["images", "rm", "--sync", ...names]);
}

/** Digests, without their algorithm, that the manifests among the blobs name as layers. */
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

/** https://github.com/opencontainers/image-spec/blob/main/manifest.md; none in what is no manifest. */
export function parseLayers(blob: string): { digest: string }[] {
  try {
    const document = JSON.parse(blob) as { layers?: { digest: string }[] } | null;
    return document?.layers ?? [];
  } catch {
    return [];
  }
}

/**
 * What /var/lib/containerd begins with on a machine whose store at `path` is read-only: databases of its own, and links
 * to blobs and unpacked layers, which are never written.
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
