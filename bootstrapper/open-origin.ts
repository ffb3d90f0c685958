import type { NodeMetadata } from "#api/node-metadata.ts";
import { checkMetadata } from "./check-metadata.ts";
import { hashCapability } from "./journal/allocation.ts";
import type { Past } from "./journal/past.ts";
import type { Origin } from "./origin.ts";
import { contactServer } from "./server/contact.ts";
import type { Source } from "./sources/discover.ts";
import { createUserDataOrigin } from "./user-data/origin.ts";
import type { Resolver } from "./user-data/resolve-names.ts";

export interface OpenOriginOptions {
  root: string;
  inContainer: boolean;
  resolver: Resolver;
  signal: AbortSignal;
}

export const openOrigin = async (source: Source, options: OpenOriginOptions): Promise<Origin> =>
  "userData" in source ? createUserDataOrigin(source, options) : contactServer(source, options);

/** After the confirmation: with the authority and the report token of the earlier run. */
export async function reopenOrigin(source: Source, past: Past, options: OpenOriginOptions): Promise<Origin> {
  const { record, reportToken } = past;
  if ("userData" in source || record.origin.kind !== "server") return openOrigin(source, options);
  const trusted = { ...source, trust: { ca: record.origin.ca } };
  return contactServer(trusted, { ...options, reportToken, isSpent: true });
}

export async function fetchMetadata(origin: Origin, signal: AbortSignal): Promise<NodeMetadata> {
  const metadata = await origin.metadata(signal);
  checkMetadata(metadata);
  return metadata;
}

/** Whether `past` is what this source says, and not another allocation's. */
export function isOf({ record: { origin } }: Past, source: Source): boolean {
  if ("userData" in source) return origin.kind === "user-data" && origin.sha256 === source.sha256;
  if (origin.kind !== "server") return false;
  return source.capability === "" || origin.capabilitySha256 === hashCapability(source.capability);
}

/** What is left of a source that is not there any more. */
export function toRecordedSource({ record: { origin } }: Past): Source {
  const name = "allocation-record";
  if (origin.kind === "server") return { name, server: origin.url, capability: "", trust: { ca: origin.ca } };
  const url = origin.url === undefined ? {} : { url: new URL(origin.url) };
  return { name, where: name, userData: "", sha256: origin.sha256, ...url };
}
