import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ignoreMissing } from "#lib/files.ts";

export const cgroupRoot = "/sys/fs/cgroup";

/** `hybrid`: version 1 controllers next to a unified hierarchy. `unified`: cgroup v2 alone. */
type CgroupMode = "hybrid" | "unified";

export async function detectCgroupMode(): Promise<CgroupMode> {
  const controllers = await readFile(join(cgroupRoot, "cgroup.controllers"), "utf8").catch(() => null);
  return controllers === null ? "hybrid" : "unified";
}

/**
 * Folders of a machine's cgroups; nspawn starts in the first. Version 1: one in every hierarchy, below the caller's own
 * cgroup, because the host's layout belongs to other software. Version 2: one below the root, because only the root may
 * hold processes and still delegate controllers, and a second one for nspawn's supervisor.
 */
export async function machineCgroups(machine: string): Promise<string[]> {
  if ((await detectCgroupMode()) === "unified")
    return [join(cgroupRoot, machine), join(cgroupRoot, `${machine}.supervisor`)];

  return parseOwnCgroups(await readFile("/proc/self/cgroup", "utf8")).map((folder) => join(folder, machine));
}

/** Lines of /proc/self/cgroup (cgroups(7)) → the folder of each hierarchy. */
export function parseOwnCgroups(text: string): string[] {
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [, controllers = "", path = "/"] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      const hierarchy = controllers === "" ? "unified" : controllers.replace(/^name=/, "");
      return join(cgroupRoot, hierarchy, path);
    });
}

export async function createCgroups(folders: readonly string[]): Promise<void> {
  if ((await detectCgroupMode()) === "unified") await delegateControllers();
  for (const folder of folders) {
    await mkdir(folder, { recursive: true });
    if (folder.startsWith(join(cgroupRoot, "cpuset"))) await inheritCpuset(folder);
  }
}

async function delegateControllers() {
  const controllers = (await readFile(join(cgroupRoot, "cgroup.controllers"), "utf8")).trim().split(" ");
  await writeFile(join(cgroupRoot, "cgroup.subtree_control"), controllers.map((name) => `+${name}`).join(" "));
}

// A new version 1 cpuset is empty, and no process can enter it until it has processors and memory nodes.
async function inheritCpuset(folder: string) {
  for (const file of ["cpuset.cpus", "cpuset.mems"])
    await writeFile(join(folder, file), await readFile(join(folder, "..", file), "utf8"));
}

/** Process ids in the cgroup and below it: all of the machine, without trust in a stale pid file. */
export async function cgroupProcesses(folder: string): Promise<number[]> {
  const own = await readFile(join(folder, "cgroup.procs"), "utf8").catch(() => "");
  const below = await Promise.all((await subgroups(folder)).map((name) => cgroupProcesses(join(folder, name))));
  return [...own.split("\n").filter(Boolean).map(Number), ...below.flat()];
}

/** Names of the cgroups right below. */
export const subgroups = async (folder: string) =>
  (await readdir(folder, { withFileTypes: true }).catch(() => []))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);

/** Removes the empty cgroups, children first. */
export async function removeCgroups(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    for (const name of await subgroups(folder)) await removeCgroups([join(folder, name)]);
    await rmdir(folder).catch(ignoreMissing);
  }
}
