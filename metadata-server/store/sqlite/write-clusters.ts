import type { ClusterRecord, MemberRecord } from "../records.ts";
import { addressTaken, clusterTitle, memberTitle, nameTaken, noSuchCluster, stale, tokenTaken } from "../refusals.ts";
import { type Prepare, run } from "./database.ts";
import { writeRecord } from "./write-record.ts";

/** Throws an Error if there is no such cluster; `what` names the part that belongs to it. */
export function requireCluster(prepare: Prepare, id: string, what: string): void {
  if (prepare("SELECT 1 FROM clusters WHERE id = ?").get(id) === undefined) throw noSuchCluster(what, id);
}

/** Adds a record of version 0, or replaces the stored record of the same version. */
export function writeCluster(prepare: Prepare, record: ClusterRecord): void {
  const { id, name, state, createdAt } = record;
  const taken = prepare("SELECT 1 FROM clusters WHERE name = ? AND state <> 'deleted' AND id <> ?").get(name, id);
  if (state !== "deleted" && taken !== undefined) throw nameTaken(record);
  const columns = { name, state, created_at: createdAt };
  writeRecord(prepare, { table: "clusters", key: { id }, columns, record, title: clusterTitle(record) });
}

/** Adds a record of version 0, or replaces the stored record of the same version; its tokens likewise. */
export function writeMember(prepare: Prepare, record: MemberRecord): void {
  const { clusterId, name, role } = record;
  requireCluster(prepare, clusterId, `member ${name}`);
  const key = { cluster_id: clusterId, name };
  writeRecord(prepare, { table: "members", key, columns: { role }, record, title: memberTitle(record) });
  writeTokens(prepare, record);
}

/** Removes a member with its secret and tokens. Throws StoreConflict `stale` unless it is stored with this version. */
export function removeMember(prepare: Prepare, member: Pick<MemberRecord, "clusterId" | "name" | "version">): void {
  const { clusterId, name, version } = member;
  for (const table of ["tokens", "secrets"])
    run(prepare, `DELETE FROM ${table} WHERE cluster_id = ? AND member = ?`, clusterId, name);
  const remove = "DELETE FROM members WHERE cluster_id = ? AND name = ? AND version = ?";
  if (run(prepare, remove, clusterId, name, version) === 0) throw stale(memberTitle(member), version);
}

/** Removes and adds token hashes, and the key of its address, until the member has exactly those of its record. */
function writeTokens(prepare: Prepare, record: MemberRecord): void {
  const { clusterId, name, addressKey = null } = record;
  const wanted = new Set([record.capabilityHash, record.spentCapabilityHash, record.reportTokenHash, addressKey]);
  const known = prepare("SELECT hash FROM tokens WHERE cluster_id = ? AND member = ?").all(clusterId, name);
  for (const { hash } of known)
    if (!wanted.delete(String(hash))) run(prepare, "DELETE FROM tokens WHERE hash = ?", String(hash));
  for (const hash of wanted) {
    if (hash === null) continue;
    const insert = "INSERT INTO tokens (hash, cluster_id, member) VALUES (?, ?, ?) ON CONFLICT (hash) DO NOTHING";
    if (run(prepare, insert, hash, clusterId, name) === 0)
      throw hash === addressKey ? addressTaken(record) : tokenTaken(name);
  }
}
