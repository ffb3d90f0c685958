import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { BootstrapError } from "./errors.ts";

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

/** Flushes a folder, so that the names in it last. */
export const syncFolder = (path: string) => sync(path);

/** Removes what a killed run left of writing any of `paths`: never read by anybody, but some of it is secret. */
export async function removeTemporaries(paths: readonly string[]): Promise<void> {
  const names = new Set(paths.map((path) => basename(path)));
  const folders = [...new Set(paths.map((path) => dirname(path)))];
  const remove = folders.map(async (folder) => {
    const entries = await readdir(folder).catch((): string[] => []);
    const left = entries.filter((name) => names.has(name.replace(temporarySuffix, "")) && temporarySuffix.test(name));
    await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
  });
  await Promise.all(remove);
}

const temporarySuffix = /\.sprout-[0-9a-f]{12}$/;

/** A missing file is no error, an unreadable one is. */
export async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new BootstrapError("invalid-input", `Cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
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
  const temporary = `${path}.sprout-${randomBytes(6).toString("hex")}`;
  try {
    await write(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
