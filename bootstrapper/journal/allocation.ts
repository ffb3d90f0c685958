import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { Pem } from "#api/credentials.ts";
import { NodeMetadata } from "#api/node-metadata.ts";
import { readOptional } from "#lib/files.ts";
import { BootstrapError } from "../errors.ts";
import { below, syncFiles, writeFileAtomic } from "../machine/files.ts";
import { hasNameServer, resolvConf } from "../machine/name-server.ts";
import { parseJson } from "../parse.ts";
import { allocationFile, toReset } from "./node-folder.ts";
import { bootTimeFields } from "./boot-time.ts";

/** The source that identified this machine. */
export const AllocationOrigin = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("server"),
    url: z.url({ protocol: /^https$/ }),
    /** The pinned authority, PEM. */
    ca: Pem,
    /** Distinguishes this allocation's seed from another's without keeping the capability. */
    capabilitySha256: z.string(),
  }),
  z.strictObject({
    kind: z.literal("user-data"),
    /** Over the text and the id of the instance that it was given to. */
    sha256: z.string(),
    /** The URL of the user-data, if it was read over the network. */
    url: z.url({ protocol: /^http$/ }).optional(),
  }),
]);
export type AllocationOrigin = z.infer<typeof AllocationOrigin>;

/** The allocation that owns this machine, with all that a run needs if the server is away. No secrets. */
export const AllocationRecord = z.strictObject({
  origin: AllocationOrigin,
  /** When the allocation's first document arrived. It dates file names, which must be the same in every run. */
  startedAt: z.iso.datetime(),
  /** When `metadata` arrived: its deadline counts from here. */
  received: z.strictObject(bootTimeFields),
  /** Files of the image that are overwritten, with their content; null if there was no such file. */
  before: z.record(z.string(), z.string().nullable()),
  metadata: NodeMetadata,
});
export type AllocationRecord = z.infer<typeof AllocationRecord>;

/**
 * Reads the allocation record. Undefined on a fresh machine. Throws BootstrapError `preflight` if the record is
 * damaged.
 */
export async function readAllocation(root: string): Promise<AllocationRecord | undefined> {
  const path = below(root, allocationFile);
  const text = await readOptional(path);
  if (text === undefined) return undefined;
  try {
    return parseJson(AllocationRecord, text, allocationFile);
  } catch (cause) {
    throw new BootstrapError("preflight", `${(cause as Error).message}; ${toReset}`, { cause });
  }
}

/** Writes the record. It is durable when the promise resolves. */
export async function writeAllocation(root: string, record: AllocationRecord): Promise<void> {
  const path = below(root, allocationFile);
  await writeFileAtomic(path, `${JSON.stringify(record, undefined, 2)}\n`, 0o600);
  await syncFiles([path]);
}

const overwritten = ["/etc/hosts", "/etc/hostname", "/etc/default/kubelet"];

/** Reads the files of the image that rendering overwrites, for `reset` to restore. */
export async function readOverwritten(root: string): Promise<AllocationRecord["before"]> {
  // A resolv.conf with a name server is not overwritten: another program may own it and change it.
  const paths = (await hasNameServer(root)) ? overwritten : [...overwritten, resolvConf];
  const read = paths.map(async (path) => [path, await readFile(below(root, path), "utf8").catch(() => null)] as const);
  return Object.fromEntries(await Promise.all(read));
}

export const hashCapability = (capability: string) => createHash("sha256").update(capability).digest("hex");
