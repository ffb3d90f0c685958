import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { listFolder } from "#lib/files.ts";
import { below, writeFileAtomic } from "../machine/files.ts";
import { loadBalancerFiles } from "../render/load-balancer.ts";
import { networkAgentConfig } from "../render/network.ts";
import type { ResetContext } from "./reset-context.ts";

/** Emptied, not removed: each may be a mount point of the machine. */
const folders = [
  "/etc/kubernetes",
  "/var/lib/kubelet",
  "/var/lib/etcd",
  "/etc/cni/net.d",
  "/var/lib/cni",
  "/var/log/pods",
  "/var/log/containers",
];
/** Folders of the image inside folders that are emptied. */
const imageFolders = ["/etc/kubernetes/manifests"];
const files = [networkAgentConfig, ...loadBalancerFiles];

/** Removes what a bring-up and its kubelet wrote, and restores what they overwrote. */
export async function removeNodeState({ root, record }: ResetContext): Promise<string> {
  for (const folder of folders) await emptyFolder(below(root, folder));
  for (const folder of imageFolders) await mkdir(below(root, folder), { recursive: true });
  for (const file of files) await rm(below(root, file), { force: true });
  const before = Object.entries(record?.before ?? {});
  for (const [path, content] of before) {
    if (content === null) await rm(below(root, path), { force: true });
    else await writeFileAtomic(below(root, path), content, 0o644);
  }
  const restored = record === undefined ? "no record of files to restore" : `${before.length} files restored`;
  return `${folders.join(", ")} emptied, ${restored}`;
}

export async function emptyFolder(folder: string, { last }: { last?: string } = {}): Promise<void> {
  const names = await listFolder(folder);
  for (const name of names.filter((entry) => entry !== last)) await rm(join(folder, name), { recursive: true });
}
