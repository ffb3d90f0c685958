import { statfs } from "node:fs/promises";
import { below, readOrEmpty } from "../machine/files.ts";
import { ports } from "../kubernetes/ports.ts";
import { toReset } from "../journal/node-folder.ts";
import { describeClock, maxClockOffsetMs } from "../server/clock.ts";
import type { Check } from "./check.ts";

const minFreeBytes = 1024 ** 3;
const controlPlanePorts = [6443, ports.kubelet, ports.etcdClient, ports.etcdPeer, 10257, 10259];
const workerPorts: number[] = [ports.kubelet];
const listening = "0A";

export const checkClock: Check = async ({ clockOffsetMs }) =>
  clockOffsetMs === undefined || Math.abs(clockOffsetMs) <= maxClockOffsetMs ? [] : [describeClock(clockOffsetMs)];

export const checkSwap: Check = async ({ root }) => {
  const devices = (await readOrEmpty(root, "/proc/swaps"))
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(/\s/)[0]);
  return devices.map((device) => `swap: ${device} is on; turn it off (swapoff -a) and remove it from /etc/fstab`);
};

/**
 * Checks the sysctls. A missing one belongs to a module that is not loaded; bridged traffic is then not filtered at
 * all.
 */
export const checkSysctls: Check = async ({ root }) => {
  const wanted = ["net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"];
  const values = await Promise.all(
    wanted.map(async (path) => [path, (await readOrEmpty(root, `/proc/sys/${path}`)).trim()]),
  );
  return values.flatMap(([path = "", value]) => {
    const name = path.replaceAll("/", ".");
    if (value === "1") return [];
    if (value !== "") return [`sysctl: ${name} is ${value}; set it to 1 (sysctl -w ${name}=1)`];
    return path.startsWith("net/bridge") ? [] : [`sysctl: ${name} cannot be read; /proc/sys must be mounted`];
  });
};

/** Checks the ports by the kernel's list, not by binding: two checks at once would see each other. */
export const checkPorts: Check = async ({ root, metadata, isKubeletActive }) => {
  if (isKubeletActive) return [];
  const tables = await Promise.all([readOrEmpty(root, "/proc/net/tcp"), readOrEmpty(root, "/proc/net/tcp6")]);
  const taken = new Set(tables.flatMap(listeningPorts));
  const wanted = metadata.self.role === "control-plane" ? controlPlanePorts : workerPorts;
  return wanted
    .filter((port) => taken.has(port))
    .map((port) => `port: ${port} is taken; stop the program that listens there (ss -ltnp 'sport = :${port}')`);
};

export const checkDisk: Check = async ({ root, metadata }) => {
  const folders = [
    "/var/lib/kubelet",
    "/var/lib/containerd",
    ...(metadata.self.role === "control-plane" ? ["/var/lib/etcd"] : []),
  ];
  const problems = folders.map(async (folder) => {
    // The folder may not exist yet; the file system that it will be on counts.
    const stats = await statfs(below(root, folder)).catch(() => statfs(below(root, "/")));
    const free = stats.bavail * stats.bsize;
    if (free >= minFreeBytes) return [];
    return [`disk: ${folder} has ${Math.floor(free / 1024 ** 2)} MiB free; ${minFreeBytes / 1024 ** 2} MiB are needed`];
  });
  return (await Promise.all(problems)).flat();
};

export const checkLeftovers: Check = async ({ leftovers }) =>
  leftovers.map((place) => `leftovers: ${place} is another allocation's; ${toReset}`);

/**
 * Returns the ports in state LISTEN of a /proc/net/tcp table (https://docs.kernel.org/networking/proc_net_tcp.html).
 */
function listeningPorts(table: string): number[] {
  return table
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === listening)
    .map(([, local = ""]) => Number.parseInt(local.split(":")[1] ?? "", 16));
}
