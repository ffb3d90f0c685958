import { below, removeTemporaries, writeFileAtomic, writeLinkAtomic } from "../files.ts";
import { hasCgroupV1 } from "../cgroups.ts";
import { renderNodeFiles } from "../render/node-files.ts";
import { readImageManifest } from "../image-manifest.ts";
import { hasNameServer } from "../name-server.ts";
import { credentialsOf, type Session } from "../session.ts";

/** Writes every file of this node, the same in every run. Nothing is written over another allocation's state. */
export async function renderStep(session: Session): Promise<void> {
  const { root, metadata, render, inContainer, hostsBefore, startedAt, isResumed } = session;
  const image = await readImageManifest(root);
  const [named, cgroupV1] = await Promise.all([hasNameServer(root), hasCgroupV1(root)]);
  const machine = { inContainer, image, hasNameServer: named, hasCgroupV1: cgroupV1, hostsBefore };
  const input = { metadata, credentials: credentialsOf(session), render, ...machine, now: startedAt };
  const { files, links } = await renderNodeFiles(input);
  await session.recorded;
  const paths = [...files, ...links].map(({ path }) => below(root, path));
  if (isResumed) await removeTemporaries(paths);
  await Promise.all(files.map(({ path, content, mode }) => writeFileAtomic(below(root, path), content, mode)));
  await Promise.all(links.map(({ path, target }) => writeLinkAtomic(below(root, path), target)));
  session.written.push(...files.map(({ path }) => below(root, path)));
}
