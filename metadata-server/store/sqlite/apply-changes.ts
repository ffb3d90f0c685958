import type { SQLInputValue, StatementSync } from "node:sqlite";
import type { StoreLimits } from "../limits.ts";
import type { MemberRecord } from "../records.ts";
import { clusterTitle, keyUsed, memberTitle, nameTaken, noSuchCluster, stale, tokenTaken } from "../refusals.ts";
import type { Changes } from "../store.ts";
import { createApplyMachines } from "./apply-machines.ts";
import { purgeCluster } from "./purge.ts";

/** Gives the prepared statement of a text. */
export type Prepare = (sql: string) => StatementSync;

/** Writes one commit's changes into the open transaction, or throws with some of them written. */
export function createApplyChanges(options: { prepare: Prepare; now: () => number; limits: StoreLimits }) {
  const { prepare, now, limits } = options;
  const run = (sql: string, ...values: SQLInputValue[]) => Number(prepare(sql).run(...values).changes);

  function requireCluster(id: string, what: string): void {
    if (prepare("SELECT 1 FROM clusters WHERE id = ?").get(id) === undefined) throw noSuchCluster(what, id);
  }

  function writeCluster(record: NonNullable<Changes["clusters"]>[number]): void {
    const { id, name, state, createdAt, version } = record;
    const taken = prepare("SELECT 1 FROM clusters WHERE name = ? AND state <> 'deleted' AND id <> ?").get(name, id);
    if (state !== "deleted" && taken !== undefined) throw nameTaken(record);
    const json = JSON.stringify({ ...record, version: version + 1 });
    const written =
      version === 0
        ? run(
            "INSERT INTO clusters (id, name, state, created_at, version, record) VALUES (?, ?, ?, ?, 1, ?) ON CONFLICT (id) DO NOTHING",
            id,
            name,
            state,
            createdAt,
            json,
          )
        : run(
            "UPDATE clusters SET name = ?, state = ?, created_at = ?, version = version + 1, record = ? WHERE id = ? AND version = ?",
            name,
            state,
            createdAt,
            json,
            id,
            version,
          );
    if (written === 0) throw stale(clusterTitle(record), version);
  }

  function writeTokens({ clusterId, name, ...record }: MemberRecord): void {
    const wanted = new Set([record.capabilityHash, record.spentCapabilityHash, record.reportTokenHash]);
    const known = prepare("SELECT hash FROM tokens WHERE cluster_id = ? AND member = ?").all(clusterId, name);
    for (const { hash } of known)
      if (!wanted.delete(String(hash))) run("DELETE FROM tokens WHERE hash = ?", String(hash));
    for (const hash of wanted) {
      if (hash === null) continue;
      const added = run(
        "INSERT INTO tokens (hash, cluster_id, member) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING",
        hash,
        clusterId,
        name,
      );
      if (added === 0) throw tokenTaken(name);
    }
  }

  function writeMember(record: MemberRecord): void {
    const { clusterId, name, role, version } = record;
    requireCluster(clusterId, `member ${name}`);
    const json = JSON.stringify({ ...record, version: version + 1 });
    const written =
      version === 0
        ? run(
            "INSERT INTO members (cluster_id, name, role, version, record) VALUES (?, ?, ?, 1, ?) ON CONFLICT (cluster_id, name) DO NOTHING",
            clusterId,
            name,
            role,
            json,
          )
        : run(
            "UPDATE members SET role = ?, version = version + 1, record = ? WHERE cluster_id = ? AND name = ? AND version = ?",
            role,
            json,
            clusterId,
            name,
            version,
          );
    if (written === 0) throw stale(memberTitle(record), version);
    writeTokens(record);
  }

  function writeSecret({ clusterId, member, sealed }: NonNullable<Changes["secrets"]>[number]): void {
    requireCluster(clusterId, "a secret");
    if (sealed === null) run("DELETE FROM secrets WHERE cluster_id = ? AND member = ?", clusterId, member ?? "");
    else
      run(
        "INSERT INTO secrets (cluster_id, member, sealed) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET sealed = excluded.sealed",
        clusterId,
        member ?? "",
        sealed,
      );
  }

  function writeEvent({ clusterId, event }: NonNullable<Changes["events"]>[number]): void {
    requireCluster(clusterId, "an event");
    const last = prepare("SELECT max(sequence) AS last FROM events WHERE cluster_id = ?").get(clusterId)?.["last"];
    const sequence = Number(last ?? 0) + 1;
    const json = JSON.stringify({ sequence, ...event });
    run("INSERT INTO events (cluster_id, sequence, event) VALUES (?, ?, ?)", clusterId, sequence, json);
    run("DELETE FROM events WHERE cluster_id = ? AND sequence <= ?", clusterId, sequence - limits.maxEventsPerCluster);
  }

  function writeIdempotency({ key, requestHash, clusterId, expiresAt }: NonNullable<Changes["idempotency"]>): void {
    run("DELETE FROM idempotency WHERE expires_at <= ?", now());
    const written = run(
      "INSERT INTO idempotency (key, request_hash, cluster_id, expires_at) VALUES (?, ?, ?, ?) ON CONFLICT (key) DO NOTHING",
      key,
      requestHash,
      clusterId,
      expiresAt,
    );
    if (written === 0) throw keyUsed();
  }

  function writeAudit(entry: NonNullable<Changes["audit"]>[number]): void {
    const last = prepare("SELECT max(sequence) AS last FROM audit").get()?.["last"];
    const sequence = Number(last ?? 0) + 1;
    run("INSERT INTO audit (sequence, entry) VALUES (?, ?)", sequence, JSON.stringify({ sequence, ...entry }));
    run("DELETE FROM audit WHERE sequence <= ?", sequence - limits.maxAuditEntries);
  }

  const applyMachines = createApplyMachines(prepare);

  return (changes: Changes): void => {
    // The key comes first: a repeated request must be told of its key, not of the name that it took itself.
    if (changes.idempotency !== undefined) writeIdempotency(changes.idempotency);
    for (const record of changes.clusters ?? []) writeCluster(record);
    for (const record of changes.members ?? []) writeMember(record);
    for (const secret of changes.secrets ?? []) writeSecret(secret);
    for (const event of changes.events ?? []) writeEvent(event);
    for (const entry of changes.audit ?? []) writeAudit(entry);
    applyMachines(changes);
    for (const id of changes.purge ?? []) purgeCluster(prepare, id);
    if (changes.idempotency !== undefined) requireCluster(changes.idempotency.clusterId, "an idempotency key");
  };
}
