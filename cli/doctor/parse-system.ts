import type { HostFacts } from "./facts.ts";

/** Reads os-release(5). */
export function parseSystem(osRelease: string): HostFacts["system"] {
  const field = (name: string) => new RegExp(`^${name}="?([^"\\n]*)"?$`, "m").exec(osRelease)?.[1];
  const [id = "unknown", version = ""] = [field("ID"), field("VERSION_ID")];
  return { id, version, name: field("PRETTY_NAME") ?? "an unknown system" };
}

/** Reads /proc/mounts: which cgroup file systems are below /sys/fs/cgroup (cgroups(7)). */
export function parseCgroup(mounts: string): HostFacts["cgroup"] {
  const types = new Map<string, string>();
  for (const line of mounts.split("\n")) {
    const [, place = "", type = ""] = line.split(" ");
    if (place.startsWith("/sys/fs/cgroup")) types.set(place, type);
  }
  if (types.get("/sys/fs/cgroup") === "cgroup2") return "v2";
  const kinds = new Set(types.values());
  if (!kinds.has("cgroup")) return null;
  return kinds.has("cgroup2") ? "hybrid" : "v1";
}

/** Reads /proc/self/status: bit 21 of the effective capabilities (capabilities(7)). */
export function hasSysAdmin(status: string): boolean {
  const effective = /^CapEff:\s+([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> 21n) & 1n) === 1n;
}

/** Reads /proc/cpuinfo: Intel's or AMD's extensions; other processors than x86 name none there. */
export function mayVirtualize(cpuinfo: string): boolean {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo)?.[1];
  return flags === undefined || /\b(?:vmx|svm)\b/.test(flags);
}
