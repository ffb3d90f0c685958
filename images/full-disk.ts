import { ExecaError } from "execa";

/**
 * Explains a step that ran out of space, in Node (ENOSPC) or in a program that it called, and says what to do. Returns
 * any other error as it is.
 */
export function explainFullDisk(error: unknown, step: string): unknown {
  const line = findLine(error);
  if (line === undefined) return error;
  const message = `Cannot bake (${step}): no space left on device; free some, or point --cache-dir elsewhere (${line})`;
  return new Error(message, { cause: error });
}

/** Returns the line that reports the full disk. */
function findLine(error: unknown): string | undefined {
  if (error instanceof ExecaError) {
    const said = typeof error.stderr === "string" ? error.stderr : "";
    return said
      .split("\n")
      .find((line) => /no space left on device/i.test(line))
      ?.trim()
      .slice(0, 300);
  }
  return error instanceof Error && "code" in error && error.code === "ENOSPC" ? error.message : undefined;
}
