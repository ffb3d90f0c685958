import type { InstanceIdentity } from "#api/instance-identity.ts";
import { BootstrapError } from "../errors.ts";
import { below, readOptional } from "../files.ts";
import type { Trust } from "../server/trust.ts";
import { isServerUserData } from "../user-data/server-document.ts";
import { isImageForEc2, readEc2Source } from "./ec2.ts";
import { type CommandLineSource, parseKernelCommandLine } from "./kernel-command-line.ts";
import { parseSeedFile } from "./seed-file.ts";
import { hasInstanceMetadata, instanceMetadataUrl, readInstanceUserData } from "./instance-metadata.ts";
import { findUserDataFile, toUserDataSource, userDataFiles } from "./user-data-file.ts";

/** Where the server is, how to know it, and who this machine is to it. */
export interface ServerSource {
  name: "seed" | "kernel-command-line" | "ec2" | "allocation-record";
  server: string;
  capability: string;
  trust: Trust;
  mac?: string | undefined;
  address?: string | undefined;
  /** On EC2, signed by it. */
  instanceIdentity?: InstanceIdentity | undefined;
}

/** What this machine is, without a server. */
export interface UserDataSource {
  name: "user-data" | "allocation-record";
  /** Where it was found, for errors. */
  where: string;
  /** As it is; empty where only the record of it is there. */
  userData: string;
  /** Of the text, and of the instance that it was given to. */
  sha256: string;
  /** What gives it out over the network. */
  url?: URL | undefined;
}

export type Source = ServerSource | UserDataSource;

export interface DiscoverOptions {
  root: string;
  inContainer: boolean;
  signal: AbortSignal;
  /** Instead of EC2's own. */
  imdsUrl?: URL;
}

const seedFile = "/etc/sprout/seed.json";
const imagePin = "/etc/sprout/ca.crt";
/** What the kernel command line said when this machine was installed to its disk; boot loaders say less. */
const keptCommandLine = "/etc/sprout/kernel-command-line";

/**
 * A server by seed file or kernel command line; else user-data, with which there is none: a file, or EC2's, which may name
 * a server as well. An image that was made for EC2 starts from EC2's alone.
 */
export async function discoverSource(options: DiscoverOptions): Promise<Source> {
  if (await isImageForEc2(options.root)) return readInstanceSource(options);
  const source =
    (await discoverServer(options)) ?? (await findUserDataFile(options.root)) ?? (await findInstanceSource(options));
  if (source !== undefined) return source;
  throw new BootstrapError(
    "invalid-input",
    `Cannot find a data source: neither ${seedFile} nor sprout.server= on the kernel command line exists, ` +
      `and no user-data (${userDataFiles.join(", ")}, or EC2's)`,
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
  return { name: "ec2", ...source, trust: { ca: (await readOptional(below(root, imagePin))) ?? ca } };
}

async function readInstanceSource(options: DiscoverOptions): Promise<Source> {
  const source = await findInstanceSource(options);
  if (source !== undefined) return source;
  throw new BootstrapError("invalid-input", "Cannot find a data source: this EC2 instance has no user-data");
}

/**
 * The seed file first, then the kernel command line (not in a container: it is the host's).
 * A pin baked into the image beats whatever the source itself says.
 */
async function discoverServer({
  root,
  inContainer,
}: Omit<DiscoverOptions, "signal">): Promise<ServerSource | undefined> {
  const pin = await readOptional(below(root, imagePin));
  const seed = await readOptional(below(root, seedFile));
  if (seed !== undefined) {
    const { ca, ...rest } = parseSeedFile(seed, seedFile);
    return { name: "seed", ...rest, trust: { ca: pin ?? ca } };
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
  const present = parseKernelCommandLine((await readOptional(below(root, "/proc/cmdline"))) ?? "");
  return present ?? parseKernelCommandLine((await readOptional(below(root, keptCommandLine))) ?? "");
}
