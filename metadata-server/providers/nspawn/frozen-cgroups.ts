import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ignoreMissing } from "#lib/files.ts";
import { subgroups } from "./cgroups.ts";

/** Version 1 of cgroups: a frozen process does not end by SIGKILL. In version 2 it does (cgroup.freeze). */
const stateFile = "freezer.state";

/**
 * Returns the frozen cgroups below these. runc freezes a container for an instant while it changes its limits; if it is
 * killed just then, the container stays frozen, and its machine can neither end nor reboot.
 */
export async function findFrozen(folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(folders.map(findFrozenIn));
  return found.flat();
}

async function findFrozenIn(folder: string): Promise<string[]> {
  const state = await readFile(join(folder, stateFile), "utf8").catch(() => undefined);
  // Only the hierarchy of the freezer has this file.
  if (state === undefined) return [];
  const below = await findFrozen((await subgroups(folder)).map((name) => join(folder, name)));
  return state.trim() === "THAWED" ? below : [folder, ...below];
}

/** Returns what thaws those cgroups that were frozen at its last call already: runc freezes for milliseconds. */
export function createThawing(): (folders: readonly string[]) => Promise<void> {
  let frozenBefore: readonly string[] = [];
  return async (folders) => {
    const frozen = await findFrozen(folders);
    await thaw(frozen.filter((folder) => frozenBefore.includes(folder)));
    frozenBefore = frozen;
  };
}

/** Lets the processes of these cgroups continue, and so end. No error if a cgroup is gone. */
export async function thaw(frozen: readonly string[]): Promise<void> {
  for (const folder of frozen) await writeFile(join(folder, stateFile), "THAWED").catch(ignoreMissing);
}
