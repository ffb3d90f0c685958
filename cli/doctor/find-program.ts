import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Returns a program's file on a search path, such as `PATH`; null if it is not there. */
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
