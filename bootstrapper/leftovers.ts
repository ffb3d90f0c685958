import { readdir } from "node:fs/promises";
import { below } from "./files.ts";

const places = ["/etc/kubernetes/manifests", "/etc/kubernetes/pki", "/var/lib/etcd/member", "/var/lib/kubelet/pki"];

/** What another tool, or an allocation that nothing is known of, left on this machine: it is refused, never reused. */
export async function findLeftovers(root: string): Promise<string[]> {
  const filled = await Promise.all(
    places.map(async (place) => ((await readdir(below(root, place)).catch(() => [])).length > 0 ? [place] : [])),
  );
  return filled.flat();
}
