import type { NodeMetadata } from "#api/node-metadata.ts";
import { checkMetadata } from "../check/check-metadata.ts";
import { BootstrapError } from "../errors.ts";
import { hashCapability } from "../journal/allocation.ts";
import type { EarlierRun } from "../journal/earlier-run.ts";
import type { OpenSource } from "../open-source.ts";
import { readHardware } from "../machine/hardware.ts";
import { whyNoMac } from "../machine/network-cards.ts";
import { createMetadataServer } from "../server/metadata-server.ts";
import { resolveTrust } from "../server/trust.ts";
import type { ServerSource, Source } from "./source.ts";
import { openUserData } from "./open-user-data.ts";
import type { Resolver } from "../user-data/resolve-names.ts";

export interface OpenSourceOptions {
  root: string;
  inContainer: boolean;
  resolver: Resolver;
  signal: AbortSignal;
}

export const openSource = async (source: Source, options: OpenSourceOptions): Promise<OpenSource> =>
  "userData" in source ? openUserData(source, options) : contactServer(source, options);

/** Opens the source again after the confirmation, with the authority and the report token of the earlier run. */
export async function reopenSource(
  source: Source,
  earlier: EarlierRun,
  options: OpenSourceOptions,
): Promise<OpenSource> {
  const { record, reportToken } = earlier;
  if ("userData" in source || record.origin.kind !== "server") return openSource(source, options);
  const trusted = { ...source, trust: { ca: record.origin.ca } };
  return contactServer(trusted, { ...options, reportToken, isSpent: true });
}

interface ContactOptions extends Omit<OpenSourceOptions, "resolver"> {
  /** From an earlier run. */
  reportToken?: string | undefined;
  isSpent?: boolean;
}

async function contactServer(source: ServerSource, options: ContactOptions): Promise<OpenSource> {
  const { root, inContainer, signal, reportToken, isSpent = false } = options;
  const { server: url, capability, mac, address, instanceIdentity, trust } = source;
  if (capability === "" && !isSpent)
    throw new BootstrapError(
      "invalid-input",
      `Cannot contact ${url}: the ${source.name} holds no capability, which is removed once it is spent; issue user-data again`,
    );
  const hardware = await readHardware({ root, inContainer, mac, address, instanceIdentity });
  if (hardware.macs.length === 0)
    throw new BootstrapError("invalid-input", `Cannot identify this machine: ${await whyNoMac(root)}`);
  const ca = await resolveTrust(trust, new URL(url), signal);
  return createMetadataServer({ url, ca, capability, reportToken, isSpent, hardware });
}

export async function fetchMetadata(source: OpenSource, signal: AbortSignal): Promise<NodeMetadata> {
  const metadata = await source.metadata(signal);
  checkMetadata(metadata);
  return metadata;
}

/** Whether the earlier run had this source, rather than another allocation's. */
export function isSameAllocation({ record: { origin } }: EarlierRun, source: Source): boolean {
  if ("userData" in source) return origin.kind === "user-data" && origin.sha256 === source.sha256;
  if (origin.kind !== "server") return false;
  return source.capability === "" || origin.capabilitySha256 === hashCapability(source.capability);
}

/** Returns what the record keeps of a source that is gone. */
export function toRecordedSource({ record: { origin } }: EarlierRun): Source {
  const name = "allocation-record";
  if (origin.kind === "server") return { name, server: origin.url, capability: "", trust: { ca: origin.ca } };
  const url = origin.url === undefined ? {} : { url: new URL(origin.url) };
  return { name, where: name, userData: "", sha256: origin.sha256, ...url };
}
