import type { MachineRecord } from "./machine-record.ts";
import type { ClusterRecord, MemberRecord } from "./records.ts";
import { type Lease, StoreConflict } from "./store.ts";

/** Errors with which every driver refuses a commit. */

export const clusterTitle = ({ id }: ClusterRecord) => `cluster ${id}`;
export const memberTitle = ({ clusterId, name }: Pick<MemberRecord, "clusterId" | "name">) =>
  `member ${name} of cluster ${clusterId}`;
export const machineTitle = ({ id }: Pick<MachineRecord, "id">) => `machine ${id}`;
export const rulesTitle = "document approval-rules";

export const stale = (what: string, version: number) =>
  new StoreConflict(
    "stale",
    version === 0
      ? `Cannot create ${what}: it exists already; read it and decide again`
      : `Cannot store ${what}: version ${version} is not the stored one; read it and decide again`,
  );

export const nameTaken = ({ id, name }: ClusterRecord) =>
  new StoreConflict("name-taken", `Cannot store cluster ${id}: the name ${name} belongs to another cluster`);

export const macTaken = ({ id }: MachineRecord, mac: string) =>
  new StoreConflict("mac-taken", `Cannot store machine ${id}: the MAC ${mac} belongs to another machine`);

export const keyUsed = () => new StoreConflict("key-used", "Cannot use the idempotency key: it was used before");

export const notDeleted = (id: string, state: string) =>
  new StoreConflict("stale", `Cannot purge cluster ${id}: it is ${state}, not deleted`);

export const noSuchCluster = (what: string, id: string) => new Error(`Cannot store ${what}: there is no cluster ${id}`);

export const addressTaken = ({ name, address }: MemberRecord) =>
  new StoreConflict(
    "stale",
    `Cannot store member ${name}: another member has the address ${address}; read it and decide again`,
  );

export const tokenTaken = (name: string) =>
  new Error(`Cannot store member ${name}: one of its tokens belongs to another member`);

export const leaseLost = ({ name, token }: Lease) =>
  new StoreConflict("lease-lost", `Cannot commit under lease "${name}": token ${token} is not the current one`);
