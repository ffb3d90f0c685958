import { createHash } from "node:crypto";
import type { Hardware } from "#api/node-metadata.ts";
import { nthAddress, parseSubnet } from "#lib/subnet.ts";

/** One simulated cluster, before it is created. */
export interface PlannedCluster {
  name: string;
  nodes: number;
}

/** RFC 2544: for measurements, so no machine of a real network has one of these addresses. */
const benchmarkSubnet = parseSubnet("198.18.0.0/15");

/** Returns clusters of `size` machines each; the last one has what is left. `run` distinguishes runs on one server. */
export const planClusters = (machines: number, { size, run }: { size: number; run: string }): PlannedCluster[] =>
  Array.from({ length: Math.ceil(machines / size) }, (_, index) => ({
    name: `simulated-${run}-${index + 1}`,
    nodes: Math.min(size, machines - index * size),
  }));

/** Returns what a simulated machine claims to be: locally administered MAC, address for measurements. */
export function planHardware(cluster: string, index: number): Hardware {
  const [one = 0, two = 0, three = 0] = createHash("sha256").update(cluster).digest();
  const mac = [0x02, one, two, three, Math.floor(index / 256), index % 256];
  return {
    macs: [mac.map((byte) => byte.toString(16).padStart(2, "0")).join(":")],
    serial: "simulated",
    addresses: [nthAddress(benchmarkSubnet, index + 1)],
  };
}
