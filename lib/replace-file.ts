import { randomBytes } from "node:crypto";
import { link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

interface WriteOptions {
  /** Exact, whatever the umask; 0600 by default. */
  mode?: number;
  /** Whether content and name are flushed to the disk before the promise resolves; not by default. */
  durable?: boolean;
}

/** Ends the name of a file that is being written; a killed process may leave such a file behind. */
export const temporarySuffix = /\.sprout-[0-9a-f]{12}$/;

/** Replaces a file by rename: readers see the old content or the new, also after a crash. Its folder must exist. */
export async function replaceFile(path: string, content: string | Uint8Array, options: WriteOptions = {}) {
  await replacePath(path, (temporary) => writeNewFile(temporary, content, options));
  if (options.durable) await syncPath(dirname(path));
}

/** Creates a file, whole or not at all. Does nothing if the name is taken; another process may be first. */
export async function createFile(path: string, content: string | Uint8Array, options: WriteOptions = {}) {
  const temporary = temporaryFor(path);
  try {
    await writeNewFile(temporary, content, options);
    await link(temporary, path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
  } finally {
    await rm(temporary, { force: true });
  }
  if (options.durable) await syncPath(dirname(path));
}

/** Replaces whatever is at `path` by what `create` makes at the temporary path that it gets. */
export async function replacePath(path: string, create: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = temporaryFor(path);
  try {
    await create(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Flushes a file, or a folder so that the names in it last. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

const temporaryFor = (path: string) => `${path}.sprout-${randomBytes(6).toString("hex")}`;

async function writeNewFile(path: string, content: string | Uint8Array, { mode = 0o600, durable }: WriteOptions) {
  const file = await open(path, "wx", mode);
  try {
    await file.chmod(mode);
    await file.writeFile(content);
    if (durable) await file.sync();
  } finally {
    await file.close();
  }
}
