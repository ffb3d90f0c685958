import { readFile } from "node:fs/promises";
import { messageOf } from "#lib/errors.ts";
import { decodeText } from "#lib/utf8.ts";
import { CliError, exitCodes } from "./exit-code.ts";

interface ReadOptions {
  /** What was to be done with the file, for the error of a file that is not UTF-8. */
  verb?: string;
  read?: (file: string) => Promise<Uint8Array>;
}

/** Reads a text file that the command line names, in UTF-8. Throws CliError. */
export async function readGivenFile(
  file: string,
  { verb = "use", read = (path) => readFile(path) }: ReadOptions = {},
): Promise<string> {
  const bytes = await read(file).catch((cause: unknown) => {
    const message = messageOf(cause);
    const why = message.startsWith("Cannot") ? message : `Cannot read ${file}: ${message}`;
    throw new CliError(exitCodes.usage, why, { cause });
  });
  try {
    return decodeText(bytes);
  } catch (cause) {
    throw new CliError(exitCodes.usage, `Cannot ${verb} ${file}: ${messageOf(cause)}`, { cause });
  }
}
