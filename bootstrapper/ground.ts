import type { NodeMetadata } from "#api/node-metadata.ts";
import { BootstrapError } from "./errors.ts";
import {
  type AllocationOrigin,
  type AllocationRecord,
  readOverwritten,
  writeAllocation,
} from "./journal/allocation.ts";
import { type Journal, openJournal } from "./journal/journal.ts";
import { toReset } from "./journal/node-folder.ts";
import type { Past } from "./journal/past.ts";
import { isSameBoot, type Stamp } from "./journal/stamp.ts";
import { findLeftovers } from "./leftovers.ts";
import { toNodeKind } from "./plan.ts";
import { remainingTime, type Resume } from "./resume.ts";

/** What one run stands on: whose machine this is, and what is written down of it. */
export interface Ground {
  record: AllocationRecord;
  /** Undefined where the machine belongs to somebody else: nothing may be written then. */
  journal: Journal | undefined;
  /** What another allocation, or another tool, left on this machine. */
  leftovers: string[];
  /** Done when the record is on disk; rejected where it cannot be, or must not. */
  recorded: Promise<void>;
}

export interface NewDocument {
  root: string;
  /** Who said so. */
  origin: AllocationOrigin;
  metadata: NodeMetadata;
  received: Stamp;
  past: Past | undefined;
}

/** Throws BootstrapError `preflight`: this machine is another allocation's. */
export function refuseOther({ record: { metadata: owner } }: Past, { self, allocation }: NodeMetadata): never {
  throw new BootstrapError(
    "preflight",
    `Cannot become ${self.name} (${allocation}): this machine is ${owner.self.name} (${owner.allocation}); ${toReset}`,
  );
}

/** The ground of a document that has just been answered, `past` being its own. */
export async function groundOn({ root, origin, metadata, received, past }: NewDocument): Promise<Ground> {
  const [before, leftovers] = past
    ? [past.record.before, []]
    : await Promise.all([readOverwritten(root), findLeftovers(root)]);
  const startedAt = past?.record.startedAt ?? received.time;
  const record: AllocationRecord = { origin, startedAt, received, before, metadata };
  if (leftovers.length > 0) return { record, journal: undefined, leftovers, recorded: refuse(leftovers) };
  const journal = await openJournal(root, past);
  const recorded = writeAllocation(root, record);
  // Whoever writes waits for it; until then it is nobody's error.
  recorded.catch(() => undefined);
  return { record, journal, leftovers, recorded };
}

function refuse(leftovers: string[]): Promise<never> {
  const message = `Cannot write on this machine: ${leftovers.join(", ")} are another allocation's; ${toReset}`;
  const refused = Promise.reject(new BootstrapError("preflight", message));
  refused.catch(() => undefined);
  return refused;
}

/** The ground of an earlier run, from disk. */
export async function standOn(root: string, past: Past): Promise<Ground> {
  const journal = await openJournal(root, past);
  return { record: past.record, journal, leftovers: [], recorded: Promise.resolve() };
}

const restartTimeoutMs = 300_000;

/**
 * How long this run may take, and a line that says so. Throws BootstrapError where a cluster's deadline passed while
 * this machine was away.
 */
export function allowTime(past: Past, { resume, now }: { resume: Resume; now: Stamp }) {
  const { allocation } = past.record.metadata;
  const rebooted = isSameBoot(past.record.received, now) ? "" : " after a reboot";
  if (resume.mode === "restart")
    return { timeoutMs: restartTimeoutMs, message: `${allocation} is done: starting what it runs${rebooted}` };
  if (resume.mode === "begin" && past.record.origin.kind === "server")
    return { message: `resuming ${allocation}${rebooted}: asking the server again` };
  const { remainingMs, clock } = remainingTime(past, now);
  const seconds = (remainingMs / 1000).toFixed(1);
  if (remainingMs > 0)
    return {
      timeoutMs: remainingMs,
      message: `resuming ${allocation}${rebooted}: ${seconds} s of its deadline are left by the ${clock} clock`,
    };
  const code = toNodeKind(past.record.metadata) === "first-control-plane" ? "peers-missing" : "kubernetes";
  throw new BootstrapError(
    code,
    `Cannot resume ${allocation}: its deadline passed before this run (${clock} clock); delete the cluster, or ${toReset}`,
  );
}
