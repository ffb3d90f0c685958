import { mkdir, readdir, readFile, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { messageOf } from "#lib/errors.ts";
import { readOptional, readOptionalBytes } from "#lib/files.ts";
import { replaceFile, replacePath, syncPath, temporarySuffix } from "#lib/replace-file.ts";
import { BootstrapError } from "../errors.ts";
import { decodeDocument } from "../parse.ts";

/** A file as it will stand on the machine. */
export interface NodeFile {
  /** Absolute, as the machine sees it. */
  path: string;
  content: string;
  mode: number;
  /** Printed nowhere. */
  secret?: boolean;
}

/** A symbolic link, replaced atomically like a file. */
export interface NodeLink {
  path: string;
  target: string;
}

/** Writes by renaming, so that a reader sees the old file or the new one. Durable only after `syncFiles`. */
export async function writeFileAtomic(path: string, content: string, mode: number): Promise<void> {
  await createFolderOf(path);
  await replaceFile(path, content, { mode });
}

export async function writeLinkAtomic(path: string, target: string): Promise<void> {
  await createFolderOf(path);
  await replacePath(path, (temporary) => symlink(target, temporary));
}

/** Flushes files and the folders that name them, each once. */
export async function syncFiles(paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map(syncPath));
  await Promise.all([...new Set(paths.map((path) => dirname(path)))].map(syncPath));
}

/** Removes what a killed run left of writing any of `paths`. No program reads it, but some of it is secret. */
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

/** Returns undefined if the file is missing. Throws BootstrapError `invalid-input` if it cannot be read. */
export const readHostFile = (path: string): Promise<string | undefined> => readOptional(path).catch(refuse(path));

/**
 * As `readHostFile`, for a document that was written by hand or by another tool. Throws BootstrapError `invalid-input`
 * also if it is not UTF-8; `what` names it.
 */
export async function readDocument(path: string, what = path): Promise<string | undefined> {
  const bytes = await readOptionalBytes(path).catch(refuse(path));
  return bytes === undefined ? undefined : decodeDocument(bytes, what);
}

const refuse = (path: string) => (cause: unknown) => {
  throw new BootstrapError("invalid-input", `Cannot read ${path}: ${messageOf(cause)}`, { cause });
};

/** Reads a file below the root, as the kernel and other programs have it. Empty if it cannot be read. */
export const readOrEmpty = (root: string, path: string): Promise<string> =>
  readFile(below(root, path), "utf8").catch(() => "");

/** Returns the names in a folder below the root. None if it cannot be read. */
export const namesIn = (root: string, path: string): Promise<string[]> => readdir(below(root, path)).catch(() => []);

export const below = (root: string, path: string) => join(root, path);

const createFolderOf = (path: string) => mkdir(dirname(path), { recursive: true, mode: 0o755 });
