import type { MachineRecord } from "../machine-record.ts";
import type { ClusterRecord, MemberRecord } from "../records.ts";
import type { Changes } from "../store.ts";

/** About 1 KB each. */
const maxRecords = 100_000;

export interface RecordCache {
  cluster(id: string, read: () => ClusterRecord | undefined): ClusterRecord | undefined;
  memberByTokenHash(hash: string, read: () => MemberRecord | undefined): MemberRecord | undefined;
  machineByMac(mac: string, read: () => MachineRecord | undefined): MachineRecord | undefined;
  /** Of everything that these changes touch, once they are on disk. */
  forget(changes: Changes): void;
}

/**
 * Parsed records of the hottest look-ups. Only this process writes to the file, so what was read stays true until it
 * commits a change. Records are frozen, because all callers share them.
 */
export function createRecordCache(limit = maxRecords): RecordCache {
  const clusters = new Map<string, ClusterRecord>();
  const members = new Map<string, MemberRecord>();
  /** By cluster and name, every cached hash of a member, those included that its record no longer has. */
  const hashes = new Map<string, Map<string, Set<string>>>();

  const machines = new Map<string, MachineRecord>();
  /** By id, every cached MAC of a machine. */
  const machineMacs = new Map<string, Set<string>>();

  function rememberMachine(mac: string, machine: MachineRecord): void {
    if (machines.size >= limit) {
      machines.clear();
      machineMacs.clear();
    }
    machines.set(mac, machine);
    machineMacs.set(machine.id, (machineMacs.get(machine.id) ?? new Set()).add(mac));
  }

  function forgetMachine(id: string): void {
    for (const mac of machineMacs.get(id) ?? []) machines.delete(mac);
    machineMacs.delete(id);
  }

  function remember(hash: string, member: MemberRecord): void {
    if (members.size >= limit) {
      members.clear();
      hashes.clear();
    }
    members.set(hash, member);
    const { clusterId, name } = member;
    const ofCluster = hashes.get(clusterId) ?? new Map<string, Set<string>>();
    hashes.set(clusterId, ofCluster.set(name, (ofCluster.get(name) ?? new Set()).add(hash)));
  }

  function forgetMember({ clusterId, name }: Pick<MemberRecord, "clusterId" | "name">): void {
    const ofCluster = hashes.get(clusterId);
    for (const hash of ofCluster?.get(name) ?? []) members.delete(hash);
    ofCluster?.delete(name);
    if (ofCluster?.size === 0) hashes.delete(clusterId);
  }

  return {
    cluster(id, read) {
      const cached = clusters.get(id);
      if (cached !== undefined) return cached;
      const cluster = read();
      if (cluster === undefined) return undefined;
      if (clusters.size >= limit) clusters.clear();
      clusters.set(id, deepFreeze(cluster));
      return cluster;
    },
    memberByTokenHash(hash, read) {
      const cached = members.get(hash);
      if (cached !== undefined) return cached;
      const member = read();
      if (member !== undefined) remember(hash, deepFreeze(member));
      return member;
    },
    machineByMac(mac, read) {
      const cached = machines.get(mac);
      if (cached !== undefined) return cached;
      const machine = read();
      if (machine !== undefined) rememberMachine(mac, deepFreeze(machine));
      return machine;
    },
    forget(changes) {
      const { clusters: changedClusters = [], members: changedMembers = [], purge = [] } = changes;
      for (const { id } of [...(changes.machines ?? []), ...(changes.removedMachines ?? [])]) forgetMachine(id);
      for (const { id } of changedClusters) clusters.delete(id);
      for (const member of changedMembers) forgetMember(member);
      for (const clusterId of purge) {
        clusters.delete(clusterId);
        for (const name of hashes.get(clusterId)?.keys() ?? []) forgetMember({ clusterId, name });
      }
    },
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value))
    if (typeof inner === "object" && inner !== null) deepFreeze(inner as object);
  return Object.freeze(value);
}
