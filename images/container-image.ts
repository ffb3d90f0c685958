import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, rm, stat } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";
import type { Architecture } from "./architecture.ts";

/** What goes into an image's one layer. `path` is absolute inside the image. */
export type LayerEntry =
  | { path: string; file: string }
  | { path: string; directory: string }
  | { path: string; text: string; mode?: number }
  | { path: string; link: string }
  | { path: string; mode?: number };

export interface ContainerImage {
  /** Full reference, for example `k8s.gcr.io/pause:3.2`. */
  ref: string;
  architecture: Architecture;
  entries: readonly LayerEntry[];
  entrypoint?: readonly string[];
}

export interface WrittenImage {
  ref: string;
  /** Digest of the image's manifest, as containerd lists it. */
  digest: string;
  /** Digest of the image's configuration: the image id that the kubelet knows. */
  configDigest: string;
  sizeBytes: number;
}

/** A fixed time: the same files give the same bytes. */
const epoch = new Date(0);
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Writes an image as an OCI archive (image-spec 1.0, one uncompressed layer). Deterministic bytes. */
export async function writeContainerImage(image: ContainerImage, outFile: string): Promise<WrittenImage> {
  const layerFile = `${outFile}.layer`;
  try {
    const layer = await writeLayer(image.entries, layerFile);
    return await writeArchive(image, { outFile, layerFile, layer });
  } catch (error) {
    await rm(outFile, { force: true });
    throw error;
  } finally {
    await rm(layerFile, { force: true });
  }
}

interface Blob {
  digest: string;
  sizeBytes: number;
}

async function writeArchive(
  image: ContainerImage,
  { outFile, layerFile, layer }: { outFile: string; layerFile: string; layer: Blob },
): Promise<WrittenImage> {
  const config = toBlob({
    created: epoch.toISOString(),
    architecture: image.architecture.debian,
    os: "linux",
    config: { Env: [searchPath], ...(image.entrypoint ? { Entrypoint: image.entrypoint } : {}) },
    rootfs: { type: "layers", diff_ids: [layer.digest] },
    history: [{ created: epoch.toISOString(), created_by: "sprout image bake" }],
  });
  const manifest = toBlob({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: toDescriptor(config, "application/vnd.oci.image.config.v1+json"),
    layers: [toDescriptor(layer, "application/vnd.oci.image.layer.v1.tar")],
  });
  const index = toBlob({
    schemaVersion: 2,
    manifests: [
      {
        ...toDescriptor(manifest, "application/vnd.oci.image.manifest.v1+json"),
        annotations: { "io.containerd.image.name": image.ref },
        platform: { architecture: image.architecture.debian, os: "linux" },
      },
    ],
  });

  const pack = tar.pack();
  await writeTar(pack, pipeline(pack, createWriteStream(outFile)), async () => {
    await addBytes(pack, "oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
    await addBytes(pack, "index.json", index.bytes);
    await addBytes(pack, blobPath(manifest), manifest.bytes);
    await addBytes(pack, blobPath(config), config.bytes);
    await addFile(pack, blobPath(layer), layerFile);
  });
  return { ref: image.ref, digest: manifest.digest, configDigest: config.digest, sizeBytes: layer.sizeBytes };
}

async function writeLayer(entries: readonly LayerEntry[], outFile: string): Promise<Blob> {
  const pack = tar.pack();
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const written = pipeline(
    pack,
    async function* (chunks) {
      for await (const chunk of chunks as AsyncIterable<Buffer>) {
        hash.update(chunk);
        sizeBytes += chunk.length;
        yield chunk;
      }
    },
    createWriteStream(outFile),
  );
  const seen = new Set<string>();
  await writeTar(pack, written, async () => {
    for (const entry of await expand(entries)) await addEntry(pack, entry, seen);
  });
  return { digest: `sha256:${hash.digest("hex")}`, sizeBytes };
}

/** Both ends are waited for: a source that fails must not leave the file behind it open. */
async function writeTar(pack: tar.Pack, written: Promise<void>, fill: () => Promise<void>): Promise<void> {
  const filled = fill().then(
    () => pack.finalize(),
    (error: Error) => {
      pack.destroy(error);
      throw error;
    },
  );
  const [filling, writing] = await Promise.allSettled([filled, written]);
  if (filling.status === "rejected") throw filling.reason;
  if (writing.status === "rejected") throw writing.reason;
}

/** Directories of the host become their files, in the order of their names. */
async function expand(entries: readonly LayerEntry[]): Promise<LayerEntry[]> {
  const expanded = await Promise.all(
    entries.map(async (entry) => {
      if (!("directory" in entry)) return [entry];
      const names = (await readdir(entry.directory)).toSorted();
      return names.map((name) => ({ path: posix.join(entry.path, name), file: join(entry.directory, name) }));
    }),
  );
  return expanded.flat();
}

async function addEntry(pack: tar.Pack, entry: LayerEntry, seen: Set<string>): Promise<void> {
  const name = entry.path.replace(/^\/+/, "");
  if (seen.has(name)) return;
  const parent = dirname(name);
  if (parent !== "." && !seen.has(parent)) await addEntry(pack, { path: parent }, seen);
  seen.add(name);
  if ("file" in entry) return addFile(pack, name, entry.file);
  if ("text" in entry) return addBytes(pack, name, Buffer.from(entry.text), entry.mode);
  if ("link" in entry) return void pack.entry({ name, type: "symlink", linkname: entry.link, mtime: epoch });
  if ("directory" in entry) throw new Error(`Cannot add ${entry.directory}: not expanded`);
  pack.entry({ name, type: "directory", mode: entry.mode ?? 0o755, mtime: epoch });
}

async function addFile(pack: tar.Pack, name: string, file: string): Promise<void> {
  const { size, mode } = await stat(file);
  await pipeline(createReadStream(file), pack.entry({ name, size, mode: mode & 0o755, mtime: epoch }));
}

async function addBytes(pack: tar.Pack, name: string, bytes: Buffer, mode = 0o644): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    pack.entry({ name, mode, mtime: epoch }, bytes, (error) => (error ? reject(error) : resolve()));
  });
}

function toBlob(value: unknown): Blob & { bytes: Buffer } {
  const bytes = Buffer.from(JSON.stringify(value));
  return { bytes, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`, sizeBytes: bytes.length };
}

const toDescriptor = ({ digest, sizeBytes }: Blob, mediaType: string) => ({ mediaType, digest, size: sizeBytes });
const blobPath = ({ digest }: Blob) => `blobs/${digest.replace(":", "/")}`;
