import { randomBytes } from "node:crypto";
import { link, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname } from "node:path";

/** The content of a file that its owner alone may read. Throws where it is missing (ENOENT) or open to others. */
export async function readPrivateFile(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { mode } = await handle.stat();
    if ((mode & 0o077) !== 0)
      throw new Error(
        `Cannot use ${file}: its mode ${(mode & 0o777).toString(8).padStart(4, "0")} lets others at it; chmod it to 0600`,
      );
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Creates the file with mode 0600, whole or not at all. Another process may be first: read it afterwards. */
export async function createPrivateFile(file: string, content: string | Uint8Array): Promise<void> {
  const temporary = await writeTemporary(file, content, 0o600);
  try {
    await link(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    await unlink(temporary);
  }
  await syncDirectory(dirname(file));
}

/** Writes the file, by default with mode 0600; a crash leaves the old content or the new. */
export async function replaceFile(
  file: string,
  content: string | Uint8Array,
  { mode = 0o600 }: { mode?: number } = {},
): Promise<void> {
  await rename(await writeTemporary(file, content, mode), file);
  await syncDirectory(dirname(file));
}

async function writeTemporary(file: string, content: string | Uint8Array, mode: number): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.${randomBytes(6).toString("hex")}.tmp`;
  const handle = await open(temporary, "wx", mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    await unlink(temporary);
    throw error;
  } finally {
    await handle.close();
  }
  return temporary;
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === "ENOENT";
