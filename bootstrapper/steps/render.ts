import { hasCgroupV1 } from "../machine/cgroups.ts";
import { below, removeTemporaries, writeFileAtomic, writeLinkAtomic } from "../machine/files.ts";
import { findNetworkCard } from "../machine/hardware.ts";
import { readImageManifest } from "../machine/image-manifest.ts";
import { findPodResolver } from "../machine/name-server.ts";
import { renderNodeFiles } from "../render/node-files.ts";
import type { ClaimedNode } from "./node-context.ts";

interface RenderOptions {
  /** `/etc/hosts` as this machine had it. */
  hostsBefore: string;
  /** Done when the allocation is on disk; rejected if this machine is another allocation's. */
  recorded: Promise<void>;
}

/** Writes every file of this node, the same in every run, and returns their paths. */
export async function renderStep(node: ClaimedNode, { hostsBefore, recorded }: RenderOptions): Promise<string[]> {
  const { root, metadata, credentials, render, inContainer, startedAt, isResumed } = node;
  const image = await readImageManifest(root);
  const [podResolver, cgroupV1] = await Promise.all([findPodResolver(root, metadata.self.address), hasCgroupV1(root)]);
  const networkCard = findNetworkCard(metadata.self.address);
  const machine = { inContainer, image, networkCard, podResolver, hasCgroupV1: cgroupV1, hostsBefore };
  const { files, links } = await renderNodeFiles({ metadata, credentials, render, ...machine, now: startedAt });
  await recorded;
  if (isResumed) await removeTemporaries([...files, ...links].map(({ path }) => below(root, path)));
  await Promise.all(files.map(({ path, content, mode }) => writeFileAtomic(below(root, path), content, mode)));
  await Promise.all(links.map(({ path, target }) => writeLinkAtomic(below(root, path), target)));
  return files.map(({ path }) => below(root, path));
}
