import type { AuditEntry } from "#api/audit.ts";
import type { Event } from "#api/event.ts";
import type { StoreLimits } from "../../../metadata-server/store/limits.ts";
import type { ClusterRecord, MemberRecord } from "../../../metadata-server/store/records.ts";
import type { WriteOut } from "../../../metadata-server/store/audit-archive.ts";
import type { Store } from "../../../metadata-server/store/store.ts";

export interface OpenOptions extends StoreLimits {
  now: () => number;
  writeOutAudit: WriteOut;
}

/** A store that is empty at first. `reopen` closes it and opens the same data again, as after a restart. */
export interface Subject {
  store: Store;
  reopen: () => Promise<Store>;
  destroy: () => Promise<void>;
}

/** Store and clock that each part of the suite works on. */
export interface Context {
  readonly store: Store;
  readonly limits: StoreLimits;
  /** What the store wrote out before it dropped it. */
  readonly writtenOut: readonly AuditEntry[];
  /** Closes the store, and opens the same data again as the `store` of this context. */
  reopen(): Promise<void>;
  advanceClock(ms: number): void;
  now(): number;
}

export interface ClusterContent {
  cluster: ClusterRecord | undefined;
  members: MemberRecord[];
  clusterSecret: string | undefined;
  memberSecrets: (string | undefined)[];
  events: Event[];
}

export async function readSecret(
  store: Store,
  key: { clusterId: string; member: string | null },
): Promise<string | undefined> {
  const sealed = await store.secret(key);
  return sealed && Buffer.from(sealed).toString("latin1");
}

/** Reads everything that the store has of a cluster, to check that a refused commit changed nothing. */
export async function readCluster(store: Store, clusterId: string): Promise<ClusterContent> {
  const members = await store.members(clusterId);
  return {
    cluster: await store.cluster(clusterId),
    members,
    clusterSecret: await readSecret(store, { clusterId, member: null }),
    memberSecrets: await Promise.all(members.map(({ name }) => readSecret(store, { clusterId, member: name }))),
    events: await store.events(clusterId, 0, 100_000),
  };
}

export const secretBytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
