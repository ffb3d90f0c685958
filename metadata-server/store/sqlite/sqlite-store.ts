import { statSync } from "node:fs";
import { rm } from "node:fs/promises";
import type { StatementSync } from "node:sqlite";
import type { AuditEntry } from "#api/audit.ts";
import type { Event } from "#api/event.ts";
import type { Turn } from "#lib/turns.ts";
import { createJsonLogger, type Logger } from "../../logger.ts";
import { createAuditArchive, writeOutToLog, type WriteOut } from "../audit-archive.ts";
import { parseLimits, type StoreLimits } from "../limits.ts";
import type { ClusterRecord, MemberRecord } from "../records.ts";
import { type Changes, type IdempotencyRecord, type Store, StoreUnavailable } from "../store.ts";
import { applyChanges } from "./apply-changes.ts";
import { createCheckpoints } from "./checkpoints.ts";
import { createCommitQueue } from "./commit-queue.ts";
import { copyChanges } from "./copy-changes.ts";
import { explainSqliteError, openDatabase } from "./database.ts";
import { destroysSecret } from "./destroyed-secrets.ts";
import { createLeases } from "./leases.ts";
import { createMachineReaders } from "./read-machines.ts";
import { createRecordCache } from "./record-cache.ts";
import { createWatchers, touchedClusters } from "../watchers.ts";

export interface SqliteStoreOptions extends Partial<StoreLimits> {
  file: string;
  /** Milliseconds since the epoch; decides when an idempotency key has expired. */
  now?: () => number;
  /** Logs listeners that throw. */
  logger?: Logger;
  /** Gets audit entries before they are dropped; to the log by default. */
  writeOutAudit?: WriteOut;
}

/** Parses the record of a row, which is stored as JSON in the column `record`. */
const toRecord = (row: Record<string, unknown> | undefined): unknown =>
  row === undefined ? undefined : JSON.parse(String(row["record"]));
const isDefined = <T>(value: T | undefined): value is T => value !== undefined;

/** Opens the embedded store: one file, one process. Rejects with what is wrong with the file and how to fix it. */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { file, now = Date.now } = options;
  const logger = options.logger ?? createJsonLogger((line) => process.stderr.write(line));
  const limits = parseLimits(options, file);
  const database = openDatabase({ file, now: now() });
  const opened = statSync(file);

  const statements = new Map<string, StatementSync>();
  function prepare(sql: string): StatementSync {
    if (!database.isOpen) throw new Error(`Cannot use store ${file}: it is closed`);
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  }

  const watchers = createWatchers(logger);
  const writeOut = options.writeOutAudit ?? writeOutToLog(logger);
  const archive = createAuditArchive({ writeOut, maxEntries: limits.maxAuditEntries });
  const checkpoints = createCheckpoints({ database, file, logger });
  // A server that was killed may have left destroyed secrets in the log.
  checkpoints.run();
  const leases = createLeases();
  const apply = async (changes: Changes, turn: Turn) => {
    leases.require(changes);
    if (destroysSecret(prepare, changes)) checkpoints.request();
    return applyChanges({ prepare, now, limits, archive }, changes, turn);
  };
  const onCommitted = (changes: Changes) => {
    cache.forget(changes);
    watchers.call(touchedClusters(changes));
  };
  const queue = createCommitQueue({ database, file, apply, onCommitted });
  const { settled } = queue;
  const cache = createRecordCache({ settled });

  let hasDiskProblem = false;
  /** Throws while the disk cannot be written to. */
  function probe(): void {
    try {
      prepare(
        `INSERT INTO documents (name, version, record) VALUES ('write-probe', 1, 'null')
         ON CONFLICT (name) DO UPDATE SET version = version + 1`,
      ).run();
    } catch (cause) {
      throw new Error(`Cannot write to store ${file}: ${explainSqliteError(cause)}`, { cause });
    }
  }

  const store: Store = {
    async cluster(id) {
      const select = prepare("SELECT record FROM clusters WHERE id = ?");
      return cache.cluster(id, () => toRecord(select.get(id)) as ClusterRecord | undefined);
    },
    async clusters({ states, name, after, limit }) {
      await settled();
      const conditions = [
        states && "state IN (SELECT value FROM json_each(?))",
        name !== undefined && "name = ?",
        after !== undefined && "(created_at, id) < (SELECT created_at, id FROM clusters WHERE id = ?)",
      ].filter(Boolean);
      const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
      const values = [states && JSON.stringify(states), name, after].filter(isDefined);
      const rows = prepare(`SELECT record FROM clusters ${where} ORDER BY created_at DESC, id DESC LIMIT ?`).all(
        ...values,
        limit,
      );
      return rows.map(toRecord) as ClusterRecord[];
    },
    async member(clusterId, name) {
      await settled();
      const row = prepare("SELECT record FROM members WHERE cluster_id = ? AND name = ?").get(clusterId, name);
      return toRecord(row) as MemberRecord | undefined;
    },
    async members(clusterId) {
      await settled();
      const rows = prepare("SELECT record FROM members WHERE cluster_id = ? ORDER BY role = 'worker', position").all(
        clusterId,
      );
      return rows.map(toRecord) as MemberRecord[];
    },
    async memberNames(clusterId) {
      await settled();
      const rows = prepare("SELECT name FROM members WHERE cluster_id = ? ORDER BY role = 'worker', position").all(
        clusterId,
      );
      return rows.map(({ name }) => String(name));
    },
    async memberByKey(hash) {
      const select = prepare(
        `SELECT record FROM tokens JOIN members ON members.cluster_id = tokens.cluster_id AND members.name = tokens.member
         WHERE tokens.hash = ?`,
      );
      return cache.memberByKey(hash, () => toRecord(select.get(hash)) as MemberRecord | undefined);
    },
    async secret({ clusterId, member }) {
      await settled();
      const sealed = prepare("SELECT sealed FROM secrets WHERE cluster_id = ? AND member = ?").get(
        clusterId,
        member ?? "",
      )?.["sealed"];
      return sealed instanceof Uint8Array ? sealed : undefined;
    },
    async idempotency(key) {
      await settled();
      const row = prepare(
        `SELECT json_object('key', key, 'requestHash', request_hash, 'clusterId', cluster_id, 'expiresAt', expires_at) AS record
         FROM idempotency WHERE key = ? AND expires_at > ?`,
      ).get(key, now());
      return toRecord(row) as IdempotencyRecord | undefined;
    },
    async events(clusterId, after, limit) {
      await settled();
      const rows = prepare(
        "SELECT event AS record FROM events WHERE cluster_id = ? AND sequence > ? ORDER BY sequence LIMIT ?",
      ).all(clusterId, after, limit);
      return rows.map(toRecord) as Event[];
    },
    async deletedBefore(time, limit) {
      await settled();
      const rows = prepare(
        `SELECT id FROM clusters WHERE state = 'deleted' AND record ->> '$.deletedAt' < ?
         ORDER BY record ->> '$.deletedAt' LIMIT ?`,
      ).all(time, limit);
      return rows.map(({ id }) => String(id));
    },
    async audit({ after, limit }) {
      await settled();
      const rows = prepare("SELECT entry AS record FROM audit WHERE sequence > ? ORDER BY sequence LIMIT ?").all(
        after,
        limit,
      );
      return rows.map(toRecord) as AuditEntry[];
    },
    ...createMachineReaders({ prepare, cache, settled }),
    async claimKeyId(keyId) {
      await settled();
      const claim = "INSERT INTO documents (name, version, record) VALUES ('server-key', 1, ?) ON CONFLICT DO NOTHING";
      prepare(claim).run(JSON.stringify(keyId));
      return String(toRecord(prepare("SELECT record FROM documents WHERE name = 'server-key'").get()));
    },
    async commit(changes) {
      if (!database.isOpen) throw new Error(`Cannot use store ${file}: it is closed`);
      try {
        // The caller may change its objects before they are written.
        await queue.commit(copyChanges(changes));
      } catch (error) {
        hasDiskProblem ||= error instanceof StoreUnavailable;
        throw error;
      }
    },
    isShared: false,
    takeLease: leases.takeLease,
    releaseLease: leases.releaseLease,
    time: async () => now(),
    watch: (clusterId, listener) => watchers.add(clusterId, listener),
    async check() {
      prepare("SELECT count(*) FROM sqlite_schema").get();
      const found = statSync(file, { throwIfNoEntry: false });
      if (found?.ino !== opened.ino || found.dev !== opened.dev)
        throw new Error(`Cannot use store ${file}: the file was removed or replaced; restart the server`);
      if (!hasDiskProblem) return;
      await settled();
      probe();
      hasDiskProblem = false;
    },
    async close() {
      if (!database.isOpen) return;
      await queue.drain();
      checkpoints.close();
      database.close();
    },
    async erase() {
      await store.close();
      for (const suffix of ["", "-wal", "-shm"]) await rm(`${file}${suffix}`, { force: true });
    },
  };
  return store;
}
