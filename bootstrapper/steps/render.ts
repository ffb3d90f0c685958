import { BootstrapError } from "../errors.ts";
import { below, writeFileAtomic, writeLinkAtomic } from "../files.ts";
import { allocationFile, findLeftovers } from "../leftovers.ts";
import { renderNodeFiles } from "../render/node-files.ts";
import { readImageManifest } from "../image-manifest.ts";
import { hasNameServer } from "../name-server.ts";
import { credentialsOf, type Session } from "../session.ts";

/** Writes every file of this node. Nothing is written over another allocation's state. */
export async function renderStep(session: Session): Promise<void> {
  const { root, metadata, render, inContainer } = session;
  const leftovers = await findLeftovers(root, metadata.allocation);
  if (leftovers.length > 0)
    throw new BootstrapError(
      "preflight",
      `Cannot render: ${leftovers.join(", ")} belong to another allocation; start from a fresh image`,
    );
  const machine = { inContainer, image: await readImageManifest(root), hasNameServer: await hasNameServer(root) };
  const input = { metadata, credentials: credentialsOf(session), render, ...machine, now: new Date() };
  const { files, links } = await renderNodeFiles(input);
  await writeFileAtomic(below(root, allocationFile), `${metadata.allocation}\n`, 0o600);
  await Promise.all(files.map(({ path, content, mode }) => writeFileAtomic(below(root, path), content, mode)));
  await Promise.all(links.map(({ path, target }) => writeLinkAtomic(below(root, path), target)));
  session.written = [allocationFile, ...files.map(({ path }) => path)].map((path) => below(root, path));
}
