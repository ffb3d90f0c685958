import { access, readdir, readFile, stat } from "node:fs/promises";

/** Whether the error says that a file or folder does not exist (ENOENT). */
export const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException | undefined)?.code === "ENOENT";

/** For `catch`: returns undefined if a file or folder is missing, and throws every other error again. */
export function ignoreMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}

/** Whether the path can be reached. As with `existsSync`, every error means that it cannot. */
export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Whether the path is a file, or a link to one. */
export const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

/** Reads a text file. Returns undefined if it is missing; throws if it cannot be read. */
export const readOptional = (path: string): Promise<string | undefined> => readFile(path, "utf8").catch(ignoreMissing);

/** As `readOptional`, without decoding. */
export const readOptionalBytes = (path: string): Promise<Buffer | undefined> => readFile(path).catch(ignoreMissing);

/** Returns the names in a folder, none if it is missing; throws if it cannot be read. */
export const listFolder = async (path: string): Promise<string[]> => (await readdir(path).catch(ignoreMissing)) ?? [];
