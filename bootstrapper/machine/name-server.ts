import { BlockList, isIP } from "node:net";
import { readOrEmpty } from "./files.ts";

export const resolvConf = "/etc/resolv.conf";
/** The servers behind systemd-resolved's own 127.0.0.53 (systemd-resolved.service(8)). */
const systemdResolvConf = "/run/systemd/resolve/resolv.conf";
/** In a folder that a reset empties. */
const podResolvConf = "/var/lib/kubelet/resolv.conf";

/** The file with name servers that kubelet gives to pods (resolv.conf(5)). */
export interface PodResolver {
  path: string;
  /** What Sprout writes there. Undefined: the file is the machine's. */
  text?: string;
}

/**
 * Finds name servers for pods. A server on loopback is none: in a pod it leads nowhere, or from CoreDNS back to itself.
 * `fallback` is an address that answers nothing, for want of any server: CoreDNS exits without one, and names outside
 * the cluster fail at once. The machine's own file is written only if it names no server at all.
 */
export async function findPodResolver(root: string, fallback: string): Promise<PodResolver> {
  const machine = await readResolvConf(root, resolvConf);
  const lastResort = `nameserver ${fallback}\n`;
  if (machine.servers.length === 0) return { path: resolvConf, text: lastResort };
  const found = machine.usable.length > 0 ? machine : await readResolvConf(root, systemdResolvConf);
  if (found.usable.length === 0) return { path: podResolvConf, text: lastResort };
  const { path, servers, usable, text } = found;
  return usable.length === servers.length ? { path } : { path: podResolvConf, text: withoutLoopback(text) };
}

/** Whether this machine's own file names any server. */
export const hasNameServer = async (root: string): Promise<boolean> =>
  (await readResolvConf(root, resolvConf)).servers.length > 0;

interface ResolvConf {
  path: string;
  text: string;
  servers: string[];
  /** Those that pods can reach. */
  usable: string[];
}

const serverLine = /^[ \t]*nameserver[ \t]+(\S+).*\n?/gm;

async function readResolvConf(root: string, path: string): Promise<ResolvConf> {
  const text = await readOrEmpty(root, path);
  const servers = Array.from(text.matchAll(serverLine), ([, server = ""]) => server);
  return { path, text, servers, usable: servers.filter(isReachable) };
}

const withoutLoopback = (text: string) =>
  text.replace(serverLine, (line, server: string) => (isReachable(server) ? line : ""));

const ownAddresses = new BlockList();
ownAddresses.addSubnet("127.0.0.0", 8, "ipv4");
ownAddresses.addAddress("0.0.0.0", "ipv4");
ownAddresses.addAddress("::", "ipv6");
ownAddresses.addAddress("::1", "ipv6");

function isReachable(server: string): boolean {
  const [address = ""] = server.split("%");
  const family = isIP(address);
  return family !== 0 && !ownAddresses.check(address, family === 4 ? "ipv4" : "ipv6");
}
