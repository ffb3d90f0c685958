import { createHash } from "node:crypto";
import { type BigIntStats, fstatSync, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

/** A file that is open, and what it was when it was opened. The one who opened it closes it. */
export interface AssetFile {
  handle: FileHandle;
  sizeBytes: number;
  /** Of all its bytes, hexadecimal. */
  sha256: string;
  /** Throws where the file was written since it was opened; one that took its place by its name is another file. */
  checkUnchanged(): void;
}

export interface AssetFiles {
  /** Undefined where there is no such file. The first to ask for a file waits until all of it was read. */
  open(path: string): Promise<AssetFile | undefined>;
  /** Of the file that is there now; undefined where there is none. */
  sha256(path: string): Promise<string | undefined>;
}

interface Digest {
  identity: string;
  sha256: Promise<string>;
}

const chunkBytes = 1024 * 1024;

/** Checksums are of what the file really holds, and kept for as long as its inode, size and time stay the same. */
export function createAssetFiles(): AssetFiles {
  const digests = new Map<string, Digest>();
  const digestOf = (path: string, handle: FileHandle, identity: string) => {
    const known = digests.get(path);
    if (known?.identity === identity) return known.sha256;
    const sha256 = checksum(handle);
    const digest = { identity, sha256 };
    digests.set(path, digest);
    sha256.catch(() => digests.get(path) === digest && digests.delete(path));
    return sha256;
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
      const sha256 = await digestOf(path, handle, identity);
      checkUnchanged();
      return { handle, sizeBytes: fstatSync(handle.fd).size, sha256, checkUnchanged };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }
  return {
    open: openFile,
    async sha256(path) {
      const known = digests.get(path);
      const sha256 = await known?.sha256;
      // Only now: it may have been written until its last byte was read.
      const stats = known && statSync(path, { bigint: true, throwIfNoEntry: false });
      if (stats !== undefined && identify(stats) === known?.identity) return sha256;
      const file = await openFile(path);
      await file?.handle.close();
      return file?.sha256;
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

async function checksum(handle: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false, highWaterMark: chunkBytes }))
    hash.update(chunk as Buffer);
  return hash.digest("hex");
}
