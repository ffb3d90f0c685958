import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ignoreMissing } from "#lib/files.ts";
import type { Failure } from "./fuzz-parser.ts";

/** Reads the failures that earlier runs kept, one JSON a line. */
export async function readFailures(file: string): Promise<Failure[]> {
  const text = (await readFile(file, "utf8").catch(ignoreMissing)) ?? "";
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Failure);
}

export async function writeFailures(file: string, failures: readonly Failure[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, failures.map((failure) => `${JSON.stringify(failure)}\n`).join(""));
}
