import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";
import type { Architecture } from "./architecture.ts";
import { addBytes, addFile, writeOciArchive, writeTar, type WrittenImage } from "./oci-archive.ts";

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

/** A fixed time: the same files give the same bytes. */
const epoch = new Date(0);
const manifestType = "application/vnd.oci.image.manifest.v1+json";
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Writes an image as an OCI archive (image-spec 1.0, one uncompressed layer). Deterministic bytes. */
export async function writeContainerImage(image: ContainerImage, outFile: string): Promise<WrittenImage> {
  const layerFile = `${outFile}.layer`;
  try {
    const layer = await writeLayer(image.entries, layerFile);
    return await writeArchive(image, { outFile, layerFile, layer });
  } finally {
    await rm(layerFile, { force: true });
  }
}

interface Layer {
  digest: string;
  sizeBytes: number;
}

async function writeArchive(
  image: ContainerImage,
  { outFile, layerFile, layer }: { outFile: string; layerFile: string; layer: Layer },
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
    mediaType: manifestType,
    config: toDescriptor(config, "application/vnd.oci.image.config.v1+json"),
    layers: [toDescriptor(layer, "application/vnd.oci.image.layer.v1.tar")],
  });
  const { ref, architecture } = image;
  const blobs = [config, { ...layer, file: layerFile }];
  await writeOciArchive({ ref, architecture, manifest: { mediaType: manifestType, ...manifest }, blobs }, outFile);
  return { ref, digest: manifest.digest, configDigest: config.digest, sizeBytes: layer.sizeBytes };
}

async function writeLayer(entries: readonly LayerEntry[], outFile: string): Promise<Layer> {
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

function toBlob(value: unknown) {
  const bytes = Buffer.from(JSON.stringify(value));
  return { bytes, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`, sizeBytes: bytes.length };
}

const toDescriptor = ({ digest, sizeBytes }: Layer, mediaType: string) => ({ mediaType, digest, size: sizeBytes });
