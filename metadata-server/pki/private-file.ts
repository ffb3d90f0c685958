import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { createFile } from "#lib/replace-file.ts";

/**
 * Reads a file that only its owner may read. Throws if it is missing (ENOENT) or other users have access. A pipe or a
 * terminal is read whatever its mode: it keeps nothing.
 */
export async function readPrivateFile(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const found = await handle.stat();
    const { mode } = found;
    if (found.isFile() && (mode & 0o077) !== 0)
      throw new Error(
        `Cannot use ${file}: its mode ${(mode & 0o777).toString(8).padStart(4, "0")} gives other users access; chmod it to 0600`,
      );
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Creates the file with mode 0600, whole or not at all. Another process may be faster, so read it afterwards. */
export async function createPrivateFile(file: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await createFile(file, content, { durable: true });
}
