import { readdir, readFile } from "node:fs/promises";
import { below } from "./files.ts";

/** Names the allocation whose files these are. */
export const allocationFile = "/var/lib/sprout/allocation";

/**
 * What another allocation left on this machine: it is refused, never reused. Empty where the machine is fresh or
 * already this allocation's own.
 */
export async function findLeftovers(root: string, allocation: string): Promise<string[]> {
  const owner = await readFile(below(root, allocationFile), "utf8").catch(() => "");
  if (owner.trim() === allocation) return [];
  const places = ["/etc/kubernetes/manifests", "/etc/kubernetes/pki", "/var/lib/etcd/member", "/var/lib/kubelet/pki"];
  const filled = await Promise.all(
    places.map(async (place) => ((await readdir(below(root, place)).catch(() => [])).length > 0 ? [place] : [])),
  );
  return filled.flat();
}
