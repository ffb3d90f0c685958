import { createReadStream, createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import tar from "tar-stream";
import type { Architecture } from "#lib/architecture.ts";

export interface WrittenImage {
  ref: string;
  /** Digest of the image's manifest, as containerd lists it. */
  digest: string;
  /** Digest of the image's configuration: the image id that the kubelet knows. */
  configDigest: string;
  sizeBytes: number;
}

/** Bytes in memory, or a file. */
export type Blob = { digest: string; sizeBytes: number; bytes: Buffer } | BlobFile;

export interface BlobFile {
  digest: string;
  sizeBytes: number;
  file: string;
}

export interface ImageParts {
  ref: string;
  architecture: Architecture;
  manifest: { mediaType: string; digest: string; bytes: Buffer };
  /** The configuration and the layers. */
  blobs: readonly Blob[];
}

/** A fixed time, so that the same parts give the same bytes. */
const epoch = new Date(0);

/** Writes one image, named `ref`, as an OCI archive (image-spec 1.0). The manifest stays as it is. */
export async function writeOciArchive({ ref, architecture, manifest, blobs }: ImageParts, outFile: string) {
  const index = {
    schemaVersion: 2,
    manifests: [
      {
        mediaType: manifest.mediaType,
        digest: manifest.digest,
        size: manifest.bytes.length,
        annotations: { "io.containerd.image.name": ref },
        platform: { architecture: architecture.debian, os: "linux" },
      },
    ],
  };
  const pack = tar.pack();
  try {
    await writeTar(pack, pipeline(pack, createWriteStream(outFile)), async () => {
      await addBytes(pack, "oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
      await addBytes(pack, "index.json", Buffer.from(JSON.stringify(index)));
      await addBytes(pack, blobPath(manifest), manifest.bytes);
      for (const blob of blobs)
        await ("bytes" in blob ? addBytes(pack, blobPath(blob), blob.bytes) : addFile(pack, blobPath(blob), blob));
    });
  } catch (error) {
    await rm(outFile, { force: true });
    throw error;
  }
}

/** Waits for both ends, so that a source that fails does not leave the file open. */
export async function writeTar(pack: tar.Pack, written: Promise<void>, fill: () => Promise<void>): Promise<void> {
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

export async function addFile(
  pack: tar.Pack,
  name: string,
  { file, mode }: { file: string; mode?: number },
): Promise<void> {
  const found = await stat(file);
  const header = { name, size: found.size, mode: mode ?? found.mode & 0o755, mtime: epoch };
  await pipeline(createReadStream(file), pack.entry(header));
}

export async function addBytes(pack: tar.Pack, name: string, bytes: Buffer, mode = 0o644): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    pack.entry({ name, mode, mtime: epoch }, bytes, (error) => (error ? reject(error) : resolve()));
  });
}

const blobPath = ({ digest }: { digest: string }) => `blobs/${digest.replace(":", "/")}`;
