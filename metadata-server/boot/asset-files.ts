import { createHash } from "node:crypto";
import { type BigIntStats, fstatSync, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

/** A file that is open, and what it was when it was opened. The one who opened it closes it. */
export interface AssetFile {
  handle: FileHandle;
  sizeBytes: number;
  /** Checksum of all its bytes, hexadecimal. */
  digest: string;
  /** Throws where the file was written since it was opened; one that took its place by its name is another file. */
  checkUnchanged(): void;
}

export interface AssetFiles {
  /** Undefined where there is no such file. The first to ask for a file waits until all of it was read. */
  open(path: string): Promise<AssetFile | undefined>;
  /** Of the file that is there now, as `AssetFile` has it; undefined where there is none. */
  digest(path: string): Promise<string | undefined>;
}

interface Known {
  identity: string;
  digest: Promise<string>;
}

const chunkBytes = 1024 * 1024;

/** Checksums are of what the file really holds, and kept for as long as its inode, size and time stay the same. */
export function createAssetFiles(algorithm: "sha256" | "sha512"): AssetFiles {
  const digests = new Map<string, Known>();
  const digestOf = (path: string, handle: FileHandle, identity: string) => {
    const known = digests.get(path);
    if (known?.identity === identity) return known.digest;
    const digest = checksum(handle, algorithm);
    const latest = { identity, digest };
    digests.set(path, latest);
    digest.catch(() => digests.get(path) === latest && digests.delete(path));
    return digest;
  };
  async function openFile(path: string): Promise<AssetFile | undefined> {
    const handle = await openExisting(path);
    if (handle === undefined) return undefined;
    const identity = identityOf(handle);
    const checkUnchanged = () => {
      if (identityOf(handle) !== identity)
        throw new Error(`Cannot serve ${path}: it was written while it was read; rename a new file into its place`);
    };
    try {
      const digest = await digestOf(path, handle, identity);
      checkUnchanged();
      return { handle, sizeBytes: fstatSync(handle.fd).size, digest, checkUnchanged };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }
  return {
    open: openFile,
    async digest(path) {
      const known = digests.get(path);
      const digest = await known?.digest;
      // Only now: it may have been written until its last byte was read.
      const stats = known && statSync(path, { bigint: true, throwIfNoEntry: false });
      if (stats !== undefined && identify(stats) === known?.identity) return digest;
      const file = await openFile(path);
      await file?.handle.close();
      return file?.digest;
    },
  };
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (handle === undefined || fstatSync(handle.fd).isFile()) return handle;
  await handle.close();
  return undefined;
}

const identityOf = ({ fd }: FileHandle) => identify(fstatSync(fd, { bigint: true }));

/** Not its ctime: that changes when another file takes its name. */
const identify = ({ dev, ino, size, mtimeNs }: BigIntStats) => [dev, ino, size, mtimeNs].join(" ");

async function checksum(handle: FileHandle, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false, highWaterMark: chunkBytes }))
    hash.update(chunk as Buffer);
  return hash.digest("hex");
}
