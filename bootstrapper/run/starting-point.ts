import type { NodeMetadata } from "#api/node-metadata.ts";
import { BootstrapError } from "../errors.ts";
import {
  type AllocationOrigin,
  type AllocationRecord,
  readOverwritten,
  writeAllocation,
} from "../journal/allocation.ts";
import { type Journal, openJournal } from "../journal/journal.ts";
import { toReset } from "../journal/node-folder.ts";
import type { EarlierRun } from "../journal/earlier-run.ts";
import { isSameBoot, type BootTime } from "../journal/boot-time.ts";
import { namesIn } from "../machine/files.ts";
import { toNodeKind } from "./node-kind.ts";
import { remainingTime, type Resume } from "./resume.ts";

/** A run's starting point: the allocation that owns this machine, and its journal. */
export interface StartingPoint {
  record: AllocationRecord;
  /** Undefined if the machine belongs to another allocation: nothing may be written then. */
  journal: Journal | undefined;
  /** What another allocation, or another tool, left on this machine. */
  leftovers: string[];
  /** Done when the record is on disk; rejected if it cannot be written, or must not be. */
  recorded: Promise<void>;
}

interface NewDocument {
  root: string;
  /** The source of the document. */
  origin: AllocationOrigin;
  metadata: NodeMetadata;
  received: BootTime;
  earlier: EarlierRun | undefined;
}

/** Throws BootstrapError `preflight`: this machine is another allocation's. */
export function refuseOther({ record: { metadata: owner } }: EarlierRun, { self, allocation }: NodeMetadata): never {
  throw new BootstrapError(
    "preflight",
    `Cannot become ${self.name} (${allocation}): this machine is ${owner.self.name} (${owner.allocation}); ${toReset}`,
  );
}

/** Starts from a document that has just arrived. `earlier` is the same allocation's. */
export async function beginFrom({ root, origin, metadata, received, earlier }: NewDocument): Promise<StartingPoint> {
  const [before, leftovers] = earlier
    ? [earlier.record.before, []]
    : await Promise.all([readOverwritten(root), findLeftovers(root)]);
  const startedAt = earlier?.record.startedAt ?? received.time;
  const record: AllocationRecord = { origin, startedAt, received, before, metadata };
  if (leftovers.length > 0) return { record, journal: undefined, leftovers, recorded: refuse(leftovers) };
  const journal = await openJournal(root, earlier);
  const recorded = writeAllocation(root, record);
  // The first writer awaits this promise and gets the error; until then it must not count as unhandled.
  recorded.catch(() => undefined);
  return { record, journal, leftovers, recorded };
}

const leftoverPlaces = [
  "/etc/kubernetes/manifests",
  "/etc/kubernetes/pki",
  "/var/lib/etcd/member",
  "/var/lib/kubelet/pki",
];

/** Finds what another tool, or an unknown allocation, left on this machine. It is refused, never reused. */
async function findLeftovers(root: string): Promise<string[]> {
  const filled = await Promise.all(
    leftoverPlaces.map(async (place) => ((await namesIn(root, place)).length > 0 ? [place] : [])),
  );
  return filled.flat();
}

function refuse(leftovers: string[]): Promise<never> {
  const message = `Cannot write on this machine: ${leftovers.join(", ")} are another allocation's; ${toReset}`;
  const refused = Promise.reject(new BootstrapError("preflight", message));
  refused.catch(() => undefined);
  return refused;
}

/** Starts from an earlier run, from disk. */
export async function resumeFrom(root: string, earlier: EarlierRun): Promise<StartingPoint> {
  const journal = await openJournal(root, earlier);
  return { record: earlier.record, journal, leftovers: [], recorded: Promise.resolve() };
}

const restartTimeoutMs = 300_000;

/**
 * Returns how long this run may take, and a line that says so. Throws BootstrapError if the cluster's deadline passed
 * while this machine was away.
 */
export function allowTime(earlier: EarlierRun, { resume, now }: { resume: Resume; now: BootTime }) {
  const { allocation } = earlier.record.metadata;
  const rebooted = isSameBoot(earlier.record.received, now) ? "" : " after a reboot";
  if (resume.mode === "restart")
    return { timeoutMs: restartTimeoutMs, message: `${allocation} is done: starting what it runs${rebooted}` };
  if (resume.mode === "begin" && earlier.record.origin.kind === "server")
    return { message: `resuming ${allocation}${rebooted}: asking the server again` };
  const { remainingMs, clock } = remainingTime(earlier, now);
  const seconds = (remainingMs / 1000).toFixed(1);
  if (remainingMs > 0)
    return {
      timeoutMs: remainingMs,
      message: `resuming ${allocation}${rebooted}: ${seconds} s of its deadline are left by the ${clock} clock`,
    };
  const code = toNodeKind(earlier.record.metadata) === "first-control-plane" ? "peers-missing" : "kubernetes";
  throw new BootstrapError(
    code,
    `Cannot resume ${allocation}: its deadline passed before this run (${clock} clock); delete the cluster, or ${toReset}`,
  );
}
