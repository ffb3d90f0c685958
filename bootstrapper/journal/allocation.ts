import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { Pem } from "#api/credentials.ts";
import { NodeMetadata } from "#api/node-metadata.ts";
import { BootstrapError } from "../errors.ts";
import { below, syncFiles, writeFileAtomic } from "../files.ts";
import { hasNameServer, resolvConf } from "../name-server.ts";
import { parseJson } from "../parse.ts";
import { allocationFile, toReset } from "./node-folder.ts";
import { stampFields } from "./stamp.ts";

/** Who said what this machine is. */
export const AllocationOrigin = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("server"),
    url: z.url({ protocol: /^https$/ }),
    /** The authority that was pinned, as PEM. */
    ca: Pem,
    /** Tells this allocation's seed from another's without keeping the capability. */
    capabilitySha256: z.string(),
  }),
  z.strictObject({
    kind: z.literal("user-data"),
    /** Of the text, and of the instance that it was given to. */
    sha256: z.string(),
    /** Where it is read, if that is over the network. */
    url: z.url({ protocol: /^http$/ }).optional(),
  }),
]);
export type AllocationOrigin = z.infer<typeof AllocationOrigin>;

/** Whose machine this is, and all it needs to go on when the server is not there. No secrets. */
export const AllocationRecord = z.strictObject({
  origin: AllocationOrigin,
  /** When its first document came; names what must be named alike in every run. */
  startedAt: z.iso.datetime(),
  /** When `metadata` came: its deadline counts from here. */
  received: z.strictObject(stampFields),
  /** Files of the image that are written over, as they were; null where there was none. */
  before: z.record(z.string(), z.string().nullable()),
  metadata: NodeMetadata,
});
export type AllocationRecord = z.infer<typeof AllocationRecord>;

/** Undefined on a fresh machine. Throws BootstrapError `preflight` where the record is damaged. */
export async function readAllocation(root: string): Promise<AllocationRecord | undefined> {
  const path = below(root, allocationFile);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return parseJson(AllocationRecord, text, allocationFile);
  } catch (cause) {
    throw new BootstrapError("preflight", `${(cause as Error).message}; ${toReset}`, { cause });
  }
}

/** Durable when it returns. */
export async function writeAllocation(root: string, record: AllocationRecord): Promise<void> {
  const path = below(root, allocationFile);
  await writeFileAtomic(path, `${JSON.stringify(record, undefined, 2)}\n`, 0o600);
  await syncFiles([path]);
}

const overwritten = ["/etc/hosts", "/etc/hostname", "/etc/default/kubelet"];

/** The files of the image that rendering writes over, for `reset` to put back. */
export async function readOverwritten(root: string): Promise<AllocationRecord["before"]> {
  // One that names a server is not written over: it may be another program's, and change meanwhile.
  const paths = (await hasNameServer(root)) ? overwritten : [...overwritten, resolvConf];
  const read = paths.map(async (path) => [path, await readFile(below(root, path), "utf8").catch(() => null)] as const);
  return Object.fromEntries(await Promise.all(read));
}

export const hashCapability = (capability: string) => createHash("sha256").update(capability).digest("hex");
