import type { DatabaseSync } from "node:sqlite";

/** "Sprt": distinguishes this project's store from other databases (https://www.sqlite.org/pragma.html#pragma_application_id). */
export const applicationId = 0x53_70_72_74;

/**
 * Records are JSON. The other columns are only those that are searched, sorted or compared. Members keep the order of
 * their first commit in `position`. A secret of the cluster itself has the member ''.
 */
const initial = `
  CREATE TABLE clusters (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    state      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    record     TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX clusters_live_name ON clusters (name) WHERE state <> 'deleted';
  CREATE INDEX clusters_by_age ON clusters (created_at, id);
  CREATE INDEX clusters_by_state ON clusters (state, created_at, id);
  CREATE INDEX clusters_by_name ON clusters (name, created_at, id);

  CREATE TABLE members (
    position   INTEGER PRIMARY KEY,
    cluster_id TEXT NOT NULL REFERENCES clusters (id),
    name       TEXT NOT NULL,
    role       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    record     TEXT NOT NULL,
    UNIQUE (cluster_id, name)
  ) STRICT;

  CREATE TABLE tokens (
    hash       TEXT PRIMARY KEY,
    cluster_id TEXT NOT NULL,
    member     TEXT NOT NULL,
    FOREIGN KEY (cluster_id, member) REFERENCES members (cluster_id, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tokens_by_member ON tokens (cluster_id, member);

  CREATE TABLE secrets (
    cluster_id TEXT NOT NULL REFERENCES clusters (id),
    member     TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    PRIMARY KEY (cluster_id, member)
  ) STRICT;

  CREATE TABLE events (
    cluster_id TEXT NOT NULL REFERENCES clusters (id),
    sequence   INTEGER NOT NULL,
    event      TEXT NOT NULL,
    PRIMARY KEY (cluster_id, sequence)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE idempotency (
    key          TEXT PRIMARY KEY,
    request_hash TEXT NOT NULL,
    cluster_id   TEXT NOT NULL,
    expires_at   INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);
`;

/**
 * Deleted clusters are forgotten in the order of their deletion; the time is in the record. Older records get the new
 * fields: their workers joined by certificate, and the first use of their tokens was not recorded.
 */
const auditAndPurge = `
  UPDATE clusters SET record = json_insert(record, '$.join', 'certificate');
  UPDATE members SET record = json_insert(record, '$.reportTokenUsedAt', NULL);
  CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    entry    TEXT NOT NULL
  ) STRICT;
  CREATE INDEX clusters_by_deletion ON clusters (record ->> '$.deletedAt') WHERE state = 'deleted';
  CREATE INDEX idempotency_by_cluster ON idempotency (cluster_id);
`;

/** `machine_terms` holds the terms that find a machine (store/machine-index.ts). A document exists at most once. */
const machines = `
  CREATE TABLE machines (
    id           TEXT PRIMARY KEY,
    state        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    last_seen_at INTEGER,
    version      INTEGER NOT NULL,
    record       TEXT NOT NULL
  ) STRICT;
  CREATE INDEX machines_by_age ON machines (created_at, id);
  CREATE INDEX machines_by_state ON machines (state, created_at, id);
  CREATE INDEX machines_unapproved ON machines (last_seen_at, id) WHERE state = 'seen';

  CREATE TABLE machine_macs (
    mac        TEXT PRIMARY KEY,
    machine_id TEXT NOT NULL REFERENCES machines (id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX machine_macs_by_machine ON machine_macs (machine_id);

  CREATE TABLE machine_terms (
    term       TEXT NOT NULL,
    machine_id TEXT NOT NULL REFERENCES machines (id),
    PRIMARY KEY (term, machine_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX machine_terms_by_machine ON machine_terms (machine_id);

  CREATE TABLE documents (
    name    TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    record  TEXT NOT NULL
  ) STRICT;
`;

/** Entry n, counted from 0, migrates from schema version n to n + 1. Landed entries never change. */
const migrations: readonly string[] = [initial, auditAndPurge, machines];

export const schemaVersion = migrations.length;

/** Returns the schema version of a store file; 0 for a new one. */
export function readSchemaVersion(database: DatabaseSync): number {
  const table = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'").get();
  if (table === undefined) return 0;
  return Number(database.prepare("SELECT max(version) AS version FROM schema_migrations").get()?.["version"] ?? 0);
}

/** Brings the schema up to date in one transaction: after a crash a file has the old version or the new one. */
export function migrate(database: DatabaseSync, options: { from: number; now: number }): void {
  if (options.from === schemaVersion) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    if (options.from === 0) {
      database.exec(`PRAGMA application_id = ${applicationId}`);
      database.exec("CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT");
    }
    const applied = database.prepare("INSERT INTO schema_migrations (version, applied_at) VALUES (?, ?)");
    for (const [index, sql] of migrations.entries()) {
      if (index < options.from) continue;
      database.exec(sql);
      applied.run(index + 1, options.now);
    }
    database.exec("COMMIT");
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
