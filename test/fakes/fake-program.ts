import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** A shell script in the place of a program; returns its path. */
export async function writeFakeProgram(path: string, script: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}
