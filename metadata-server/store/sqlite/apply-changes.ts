import type { AuditEntry } from "#api/audit.ts";
import type { Turn } from "#lib/turns.ts";
import type { AuditArchive } from "../audit-archive.ts";
import type { StoreLimits } from "../limits.ts";
import { keyUsed } from "../refusals.ts";
import type { Changes } from "../store.ts";
import { type Prepare, run } from "./database.ts";
import { purgeCluster } from "./purge.ts";
import { removeMachine, writeApprovalRules, writeMachine } from "./write-machines.ts";
import { removeMember, requireCluster, writeCluster, writeMember } from "./write-clusters.ts";

interface ApplyOptions {
  prepare: Prepare;
  /** Milliseconds since the epoch. */
  now: () => number;
  limits: StoreLimits;
  archive: AuditArchive;
}

/**
 * Writes one commit's changes into the open transaction, record by record: others may have their turn in between. If it
 * throws, some of them may be written.
 */
export async function applyChanges(
  { prepare, now, limits, archive }: ApplyOptions,
  changes: Changes,
  turn: Turn,
): Promise<void> {
  const { idempotency } = changes;
  // The key comes first: a repeated request must be refused for its key, not for the name that its first commit took.
  if (idempotency !== undefined) writeIdempotency(prepare, idempotency, now());
  const {
    clusters = [],
    members = [],
    removedMembers = [],
    secrets = [],
    events = [],
    audit = [],
    purge = [],
  } = changes;
  const each = async <T>(records: readonly T[], write: (record: T) => void) => {
    for (const record of records) {
      write(record);
      await turn();
    }
  };
  await each(clusters, (record) => writeCluster(prepare, record));
  // Removals come first, so that an address can move from one member to another in one commit.
  await each(removedMembers, (member) => removeMember(prepare, member));
  await each(members, (record) => writeMember(prepare, record));
  await each(secrets, (secret) => writeSecret(prepare, secret));
  await each(events, (event) => writeEvent(prepare, event, limits));
  await each(audit, (entry) => writeAudit(prepare, entry, { limits, archive }));
  // Removals come first, so that a MAC can move from one machine to another in one commit.
  await each(changes.removedMachines ?? [], (machine) => removeMachine(prepare, machine));
  await each(changes.machines ?? [], (machine) => writeMachine(prepare, machine));
  if (changes.approvalRules !== undefined) writeApprovalRules(prepare, changes.approvalRules);
  await each(purge, (id) => purgeCluster(prepare, id));
  if (idempotency !== undefined) requireCluster(prepare, idempotency.clusterId, "an idempotency key");
}

type Each<Field extends keyof Changes> = NonNullable<Changes[Field]> extends readonly (infer One)[] ? One : never;

function writeIdempotency(prepare: Prepare, record: NonNullable<Changes["idempotency"]>, now: number): void {
  const { key, requestHash, clusterId, expiresAt } = record;
  run(prepare, "DELETE FROM idempotency WHERE expires_at <= ?", now);
  const insert =
    "INSERT INTO idempotency (key, request_hash, cluster_id, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING";
  if (run(prepare, insert, key, requestHash, clusterId, expiresAt) === 0) throw keyUsed();
}

function writeSecret(prepare: Prepare, { clusterId, member, sealed }: Each<"secrets">): void {
  requireCluster(prepare, clusterId, "a secret");
  if (sealed === null) {
    run(prepare, "DELETE FROM secrets WHERE cluster_id = ? AND member = ?", clusterId, member ?? "");
    return;
  }
  const upsert =
    "INSERT INTO secrets (cluster_id, member, sealed) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sealed = excluded.sealed";
  run(prepare, upsert, clusterId, member ?? "", sealed);
}

function writeEvent(prepare: Prepare, { clusterId, event }: Each<"events">, limits: StoreLimits): void {
  requireCluster(prepare, clusterId, "an event");
  const last = prepare("SELECT max(sequence) AS last FROM events WHERE cluster_id = ?").get(clusterId)?.["last"];
  const sequence = Number(last ?? 0) + 1;
  const json = JSON.stringify({ sequence, ...event });
  run(prepare, "INSERT INTO events (cluster_id, sequence, event) VALUES (?, ?, ?)", clusterId, sequence, json);
  const oldest = sequence - limits.maxEventsPerCluster;
  run(prepare, "DELETE FROM events WHERE cluster_id = ? AND sequence <= ?", clusterId, oldest);
}

function writeAudit(prepare: Prepare, entry: Each<"audit">, options: Pick<ApplyOptions, "limits" | "archive">): void {
  const { limits, archive } = options;
  const last = prepare("SELECT max(sequence) AS last FROM audit").get()?.["last"];
  const sequence = Number(last ?? 0) + 1;
  run(prepare, "INSERT INTO audit (sequence, entry) VALUES (?, ?)", sequence, JSON.stringify({ sequence, ...entry }));
  const dropped = sequence - limits.maxAuditEntries;
  if (dropped > archive.through) archive.write(readAudit(prepare, { through: dropped + archive.batch }));
  run(prepare, "DELETE FROM audit WHERE sequence <= ?", dropped);
}

const readAudit = (prepare: Prepare, { through }: { through: number }) =>
  prepare("SELECT entry FROM audit WHERE sequence <= ? ORDER BY sequence")
    .all(through)
    .map((row) => JSON.parse(String(row["entry"])) as AuditEntry);
