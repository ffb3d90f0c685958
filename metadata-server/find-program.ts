import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** The file that a program's name stands for on this search path, such as the environment's `PATH`; null if there is none. */
export function findProgram(name: string, searchPath: string): string | null {
  const files = searchPath.split(delimiter).map((folder) => join(folder, name));
  return files.find(isExecutable) ?? null;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
