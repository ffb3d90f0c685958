import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";
import type { Architecture } from "#lib/architecture.ts";
import {
  addBytes,
  addFile,
  writeOciArchive,
  writeTar,
  type BlobFile,
  type ImageParts,
  type WrittenImage,
} from "./oci-archive.ts";

/** An entry of a layer. `path` is absolute inside the image; a file keeps its mode unless `mode` replaces it. */
export type LayerEntry =
  | { path: string; file: string; mode?: number }
  | { path: string; directory: string }
  | { path: string; text: string; mode?: number }
  | { path: string; link: string }
  | { path: string; mode?: number };

export interface ContainerImage {
  /** Full reference, such as `registry.k8s.io/pause:3.10`. */
  ref: string;
  architecture: Architecture;
  /** Uncompressed tar files, lowest layer first. */
  layersBelow?: readonly BlobFile[];
  /** Contents of the top layer. */
  entries: readonly LayerEntry[];
  entrypoint?: readonly string[];
  command?: readonly string[];
  /** Number or name of the user that runs it; root by default. */
  user?: string;
}

export type ComposedImage = ImageParts & { configDigest: string; layers: readonly BlobFile[] };

/** A fixed time, so that the same files give the same bytes. */
const epoch = new Date(0);
const manifestType = "application/vnd.oci.image.manifest.v1+json";
const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Writes an image as an OCI archive (image-spec 1.0, uncompressed layers). The bytes are deterministic. */
export async function writeContainerImage(image: ContainerImage, outFile: string): Promise<WrittenImage> {
  const layerFile = `${outFile}.layer`;
  try {
    const composed = await composeContainerImage(image, layerFile);
    await writeOciArchive(composed, outFile);
    const { ref, manifest, configDigest, layers } = composed;
    const sizeBytes = layers.reduce((sum, layer) => sum + layer.sizeBytes, 0);
    return { ref, digest: manifest.digest, configDigest, sizeBytes };
  } finally {
    await rm(layerFile, { force: true });
  }
}

/** Composes an image: configuration and manifest in memory, the top layer in `layerFile`. */
export async function composeContainerImage(image: ContainerImage, layerFile: string): Promise<ComposedImage> {
  const { ref, architecture, layersBelow = [], entries, entrypoint, command, user } = image;
  const layers = [...layersBelow, await writeLayer(entries, layerFile)];
  const config = toBlob({
    created: epoch.toISOString(),
    architecture: architecture.debian,
    os: "linux",
    config: {
      Env: [searchPath],
      ...(entrypoint ? { Entrypoint: entrypoint } : {}),
      ...(command ? { Cmd: command } : {}),
      ...(user === undefined ? {} : { User: user }),
    },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    history: layers.map(() => ({ created: epoch.toISOString(), created_by: "sprout image bake" })),
  });
  const manifest = toBlob({
    schemaVersion: 2,
    mediaType: manifestType,
    config: toDescriptor(config, "application/vnd.oci.image.config.v1+json"),
    layers: layers.map((layer) => toDescriptor(layer, "application/vnd.oci.image.layer.v1.tar")),
  });
  return {
    ref,
    architecture,
    manifest: { mediaType: manifestType, ...manifest },
    blobs: [config, ...layers],
    configDigest: config.digest,
    layers,
  };
}

async function writeLayer(entries: readonly LayerEntry[], outFile: string): Promise<BlobFile> {
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
  return { digest: `sha256:${hash.digest("hex")}`, sizeBytes, file: outFile };
}

/** Replaces directories of the host by their files, ordered by name. */
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
  if ("file" in entry) return addFile(pack, name, entry);
  if ("text" in entry) return addBytes(pack, name, Buffer.from(entry.text), entry.mode);
  if ("link" in entry) return void pack.entry({ name, type: "symlink", linkname: entry.link, mtime: epoch });
  if ("directory" in entry) throw new Error(`Cannot add ${entry.directory}: not expanded`);
  pack.entry({ name, type: "directory", mode: entry.mode ?? 0o755, mtime: epoch });
}

function toBlob(value: unknown) {
  const bytes = Buffer.from(JSON.stringify(value));
  return { bytes, digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`, sizeBytes: bytes.length };
}

const toDescriptor = ({ digest, sizeBytes }: { digest: string; sizeBytes: number }, mediaType: string) => ({
  mediaType,
  digest,
  size: sizeBytes,
});
