import { createHash } from "node:crypto";
import { type BigIntStats, fstatSync, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { isMissing } from "#lib/files.ts";

/** An open file and its state when it was opened. The caller closes it. */
export interface AssetFile {
  handle: FileHandle;
  sizeBytes: number;
  /** Checksum of the file, hexadecimal. */
  digest: string;
  /** Throws if the file was written since it was opened. A new file renamed to its name does not count. */
  checkUnchanged(): void;
}

interface AssetFiles {
  /** Undefined if there is no such file. The first caller waits until all of the file was read. */
  open(path: string): Promise<AssetFile | undefined>;
  /** Checksum of the current file; undefined if there is none. */
  digest(path: string): Promise<string | undefined>;
}

interface Known {
  identity: string;
  digest: Promise<string>;
}

const chunkBytes = 1024 * 1024;

/** Computes checksums of the files' content, and keeps each while inode, size and modification time stay the same. */
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
        throw new Error(`Cannot serve ${path}: it was written while it was read; replace the file by rename`);
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
      // Compares only now: the file may have been written until its last byte was read.
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
    if (isMissing(error) || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (handle === undefined || fstatSync(handle.fd).isFile()) return handle;
  await handle.close();
  return undefined;
}

const identityOf = ({ fd }: FileHandle) => identify(fstatSync(fd, { bigint: true }));

/** Without ctime, which changes when another file takes its name. */
const identify = ({ dev, ino, size, mtimeNs }: BigIntStats) => [dev, ino, size, mtimeNs].join(" ");

async function checksum(handle: FileHandle, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  for await (const chunk of handle.createReadStream({ start: 0, autoClose: false, highWaterMark: chunkBytes }))
    hash.update(chunk as Buffer);
  return hash.digest("hex");
}
