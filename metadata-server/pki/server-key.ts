import { randomBytes } from "node:crypto";
import { isMissing } from "#lib/files.ts";
import { createPrivateFile, readPrivateFile } from "./private-file.ts";

export const keyBytes = 32;

/**
 * Reads the key that seals every cluster's data key: 32 raw bytes in a file outside the store, mode 0600. Creates it on
 * first use. Throws if other users have access to the file, or if it has another length.
 */
export async function loadServerKey(file: string): Promise<Buffer> {
  const key = await readPrivateFile(file).catch(async (error: unknown) => {
    if (!isMissing(error)) throw error;
    await createPrivateFile(file, randomBytes(keyBytes));
    return readPrivateFile(file);
  });
  if (key.length !== keyBytes)
    throw new Error(
      `Cannot use server key ${file}: it has ${key.length} bytes instead of ${keyBytes}; restore it from a backup`,
    );
  return key;
}
