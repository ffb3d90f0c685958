import { readdir, readFile, readlink } from "node:fs/promises";

/** Everything that a machine could leave behind on its host. */
export interface HostState {
  mounts: string[];
  networkNamespaces: string[];
  links: string[];
  cgroups: string[];
  /** Processes in namespaces other than this one's, and supervisors, as `pid command`. */
  processes: string[];
}

export async function hostState(): Promise<HostState> {
  const mounts = (await readFile("/proc/self/mountinfo", "utf8")).split("\n").map((line) => line.split(" ")[4] ?? "");
  return {
    // /run/netns itself is iproute2's: a mount since the host's first network namespace, for good (ip-netns(8)).
    mounts: mounts.filter((mount) => mount !== "" && mount !== "/run/netns").toSorted(),
    networkNamespaces: (await readdir("/run/netns").catch((): string[] => [])).toSorted(),
    links: (await readdir("/sys/class/net")).toSorted(),
    cgroups: await cgroups("/sys/fs/cgroup"),
    processes: await foreignProcesses(),
  };
}

export const nothingLeft: HostState = { mounts: [], networkNamespaces: [], links: [], cgroups: [], processes: [] };

/** Returns the entries that are new since `before`. */
export async function leftBehind(before: HostState): Promise<HostState> {
  const after = await hostState();
  const added = (kind: keyof HostState) => after[kind].filter((entry) => !before[kind].includes(entry));
  return {
    mounts: added("mounts"),
    networkNamespaces: added("networkNamespaces"),
    links: added("links"),
    cgroups: added("cgroups"),
    processes: added("processes"),
  };
}

async function cgroups(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => `${folder}/${entry.name}`);
  const below = await Promise.all(folders.map(cgroups));
  return [...folders, ...below.flat()].toSorted();
}

async function foreignProcesses(): Promise<string[]> {
  const own = await namespaces("self");
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const command = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).replaceAll("\0", " ").trim();
      if (!command) return [];
      const foreign = own.join() !== (await namespaces(pid)).join();
      return foreign || /systemd-nspawn|supervise\.sh/.test(command) ? [`${pid} ${command}`] : [];
    }),
  );
  return found.flat().toSorted();
}

const namespaces = (pid: string) =>
  Promise.all(["mnt", "net", "pid"].map((kind) => readlink(`/proc/${pid}/ns/${kind}`).catch(() => "")));
