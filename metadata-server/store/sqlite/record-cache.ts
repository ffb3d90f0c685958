import type { MachineRecord } from "../machine-record.ts";
import type { ClusterRecord, MemberRecord } from "../records.ts";
import type { Changes } from "../store.ts";

/** A record takes about 1 KB. */
const maxRecords = 100_000;

interface CacheOptions {
  /** Waits until the file can be read. */
  settled: () => Promise<void>;
  limit?: number;
}

export interface RecordCache {
  cluster(id: string, read: () => ClusterRecord | undefined): Promise<ClusterRecord | undefined>;
  memberByKey(hash: string, read: () => MemberRecord | undefined): Promise<MemberRecord | undefined>;
  machineByMac(mac: string, read: () => MachineRecord | undefined): Promise<MachineRecord | undefined>;
  /** Forgets every record that these changes touch. To be called once they are on disk. */
  forget(changes: Changes): void;
}

/**
 * Caches parsed records of the most frequent look-ups. Only this process writes to the file, so a record stays true
 * until this process changes it. Records are frozen, because all callers share them.
 */
export function createRecordCache(options: CacheOptions): RecordCache {
  const clusters = createKeyedCache<ClusterRecord>(options, ({ id }) => [id, ""]);
  const members = createKeyedCache<MemberRecord>(options, ({ clusterId, name }) => [clusterId, name]);
  const machines = createKeyedCache<MachineRecord>(options, ({ id }) => [id, ""]);
  return {
    cluster: clusters.get,
    memberByKey: members.get,
    machineByMac: machines.get,
    forget(changes) {
      for (const { id } of [...(changes.machines ?? []), ...(changes.removedMachines ?? [])]) machines.forget(id, "");
      for (const { id } of changes.clusters ?? []) clusters.forget(id, "");
      for (const { clusterId, name } of [...(changes.members ?? []), ...(changes.removedMembers ?? [])])
        members.forget(clusterId, name);
      for (const id of changes.purge ?? []) {
        clusters.forget(id, "");
        members.forgetGroup(id);
      }
    },
  };
}

/** Caches records by key. A record may have several, such as a member's tokens. `ownerOf` names it in its group. */
function createKeyedCache<T extends object>(
  { settled, limit = maxRecords }: CacheOptions,
  ownerOf: (record: T) => [group: string, name: string],
) {
  const records = new Map<string, T>();
  /** By group and name, every cached key of a record, including keys that the record no longer has. */
  const keys = new Map<string, Map<string, Set<string>>>();

  function remember(key: string, record: T): T {
    if (records.size >= limit) {
      records.clear();
      keys.clear();
    }
    records.set(key, deepFreeze(record));
    const [group, name] = ownerOf(record);
    const inGroup = keys.get(group) ?? new Map<string, Set<string>>();
    keys.set(group, inGroup.set(name, (inGroup.get(name) ?? new Set()).add(key)));
    return record;
  }

  async function get(key: string, read: () => T | undefined): Promise<T | undefined> {
    const cached = records.get(key);
    if (cached !== undefined) return cached;
    await settled();
    const record = read();
    return record && remember(key, record);
  }

  function forget(group: string, name: string): void {
    const inGroup = keys.get(group);
    for (const key of inGroup?.get(name) ?? []) records.delete(key);
    inGroup?.delete(name);
    if (inGroup?.size === 0) keys.delete(group);
  }

  function forgetGroup(group: string): void {
    for (const name of keys.get(group)?.keys() ?? []) forget(group, name);
  }

  return { get, forget, forgetGroup };
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === "object" && inner !== null) deepFreeze(inner as object);
  return Object.freeze(value);
}
