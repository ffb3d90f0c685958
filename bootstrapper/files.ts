import { randomBytes } from "node:crypto";
import { mkdir, open, rename, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A file as it will stand on the machine. */
export interface NodeFile {
  /** Absolute, as the machine sees it. */
  path: string;
  content: string;
  mode: number;
  /** Never shown. */
  secret?: boolean;
}

/** A symbolic link, replaced atomically like a file. */
export interface NodeLink {
  path: string;
  target: string;
}

/** Writes by renaming, so that a reader sees the old file or the new one; durable only after `syncFiles`. */
export async function writeFileAtomic(path: string, content: string, mode: number): Promise<void> {
  await replace(path, async (temporary) => {
    const file = await open(temporary, "wx", mode);
    try {
      await file.chmod(mode);
      await file.writeFile(content);
    } finally {
      await file.close();
    }
  });
}

export async function writeLinkAtomic(path: string, target: string): Promise<void> {
  await replace(path, (temporary) => symlink(target, temporary));
}

/** Flushes files and the folders that name them, each once. */
export async function syncFiles(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map(sync));
  await Promise.all([...new Set(paths.map((path) => dirname(path)))].map(sync));
}

export const below = (root: string, path: string) => join(root, path);

async function sync(path: string) {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function replace(path: string, write: (temporary: string) => Promise<void>) {
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await write(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
