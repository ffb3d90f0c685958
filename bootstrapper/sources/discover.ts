import { Seed } from "#api/seed.ts";
import { BootstrapError } from "../errors.ts";
import { keptCommandLine, seedFile } from "../journal/seed-files.ts";
import { below, readDocument, readHostFile } from "../machine/files.ts";
import { parseJson } from "../parse.ts";
import { isServerUserData } from "../user-data/server-document.ts";
import { isImageForEc2, readEc2Source } from "./ec2.ts";
import { type CommandLineSource, parseKernelCommandLine } from "./kernel-command-line.ts";
import { hasInstanceMetadata, instanceMetadataUrl, readInstanceUserData } from "./instance-metadata.ts";
import type { ServerSource, Source } from "./source.ts";
import { findUserDataFile, toUserDataSource, userDataFiles } from "./user-data-file.ts";

interface DiscoverOptions {
  root: string;
  inContainer: boolean;
  signal: AbortSignal;
  /** Replaces the address of EC2's service. */
  imdsUrl?: URL;
}

const imagePin = "/etc/sprout/ca.crt";
/** After the confirmation it holds no capability. */
const SeedOnDisk = Seed.partial({ capability: true });

/**
 * Finds the source. A server, by seed file or kernel command line, comes first. Next comes user-data: a file, or EC2's,
 * which may also name a server. An image that was made for EC2 uses EC2's user-data only.
 */
export async function discoverSource(options: DiscoverOptions): Promise<Source> {
  if (await isImageForEc2(options.root)) return readInstanceSource(options);
  const server = await discoverServer(options);
  if (server !== undefined) return server;
  const file = await findUserDataFile(options.root);
  const source = file.source ?? (await findInstanceSource(options));
  if (source !== undefined) return source;
  // An error, not a success: a unit that has succeeded would not be started again.
  const later =
    file.ofCloudInit === undefined
      ? ""
      : `; cloud-init has user-data of its own in ${file.ofCloudInit}, and starts this again once it has written the seed`;
  throw new BootstrapError(
    "invalid-input",
    `Cannot find a data source: neither ${seedFile} nor sprout.server= on the kernel command line exists, ` +
      `and no user-data (${userDataFiles.join(", ")}, or EC2's)${later}`,
  );
}

async function findInstanceSource(options: DiscoverOptions): Promise<Source | undefined> {
  const { root, inContainer, signal, imdsUrl = instanceMetadataUrl } = options;
  if (!(await isImageForEc2(root)) && !(await hasInstanceMetadata(root, { inContainer }))) return undefined;
  const found = await readInstanceUserData(imdsUrl, signal);
  if (found === undefined) return undefined;
  if (!isServerUserData(found.userData))
    return toUserDataSource(found.userData, { ...found, where: "EC2", url: instanceMetadataUrl });
  const { ca, ...source } = await readEc2Source(imdsUrl, { userData: found.userData, signal });
  return { name: "ec2", ...source, trust: { ca: (await readHostFile(below(root, imagePin))) ?? ca } };
}

async function readInstanceSource(options: DiscoverOptions): Promise<Source> {
  const source = await findInstanceSource(options);
  if (source !== undefined) return source;
  throw new BootstrapError("invalid-input", "Cannot find a data source: this EC2 instance has no user-data");
}

/**
 * Reads the seed file first, then the kernel command line (not in a container, which sees the host's). A pin baked into
 * the image takes precedence over the source's own.
 */
async function discoverServer({
  root,
  inContainer,
}: Omit<DiscoverOptions, "signal">): Promise<ServerSource | undefined> {
  const pin = await readHostFile(below(root, imagePin));
  const seed = await readDocument(below(root, seedFile), `seed ${seedFile}`);
  if (seed !== undefined) {
    const { ca, capability = "", ...rest } = parseJson(SeedOnDisk, seed, `seed ${seedFile}`);
    return { name: "seed", ...rest, capability, trust: { ca: pin ?? ca } };
  }
  const found = inContainer ? undefined : await findCommandLine(root);
  if (found === undefined) return undefined;
  const { ca, caSha256, ...rest } = found;
  const trust = pin ?? ca;
  if (trust !== undefined) return { name: "kernel-command-line", ...rest, trust: { ca: trust } };
  if (caSha256 !== undefined) return { name: "kernel-command-line", ...rest, trust: { caSha256 } };
  throw new BootstrapError(
    "invalid-input",
    `Cannot trust ${found.server}: no authority is pinned; bake ${imagePin} or give sprout.ca= or sprout.ca-sha256=`,
  );
}

async function findCommandLine(root: string): Promise<CommandLineSource | undefined> {
  const present = parseKernelCommandLine((await readHostFile(below(root, "/proc/cmdline"))) ?? "");
  if (present !== undefined) return present;
  return parseKernelCommandLine((await readHostFile(below(root, keptCommandLine))) ?? "", { mayBeSpent: true });
}
