import type { AuditEntry, NewAuditEntry } from "#api/audit.ts";
import type { ClusterState } from "#api/cluster.ts";
import type { Event, NewEvent } from "#api/event.ts";
import type { MachineState } from "#api/machine.ts";
import type { ApprovalRulesRecord, MachineRecord } from "./machine-record.ts";
import type { ClusterRecord, MemberRecord } from "./records.ts";

/** `member` is null for the secrets of the cluster itself (authorities, service-account key). */
export interface SecretKey {
  clusterId: string;
  member: string | null;
}

export interface IdempotencyRecord {
  key: string;
  /** SHA-256 of the request that used the key first. */
  requestHash: string;
  clusterId: string;
  expiresAt: number;
}

/**
 * Everything one decision changes. A record is written only if the stored version is the record's own `version`
 * (0: it must not exist yet), and is stored with `version + 1`.
 */
export interface Changes {
  clusters?: ClusterRecord[];
  members?: MemberRecord[];
  /** `sealed: null` destroys the secret. */
  secrets?: (SecretKey & { sealed: Uint8Array | null })[];
  events?: { clusterId: string; event: NewEvent }[];
  idempotency?: IdempotencyRecord;
  audit?: NewAuditEntry[];
  machines?: MachineRecord[];
  /** Machines to be forgotten, at the version that was read. */
  removedMachines?: Pick<MachineRecord, "id" | "version">[];
  approvalRules?: ApprovalRulesRecord;
  /**
   * Ids of `deleted` clusters that are to be forgotten for good, with their members, events, secrets, token hashes and
   * idempotency keys. One that is unknown is forgotten already; one in another state is a conflict (`stale`).
   */
  purge?: string[];
}

/**
 * `stale`: read again and decide again. `name-taken`: another live cluster has the name. `key-used`: the idempotency key
 * is known. `mac-taken`: another machine has one of the MACs.
 */
export type ConflictReason = "stale" | "name-taken" | "key-used" | "mac-taken";

export class StoreConflict extends Error {
  override name = "StoreConflict";
  readonly reason: ConflictReason;
  constructor(reason: ConflictReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The store cannot be asked now. A commit that ends so may have been written, where the message says so. */
export class StoreUnavailable extends Error {
  override name = "StoreUnavailable";
}

export interface ClusterQuery {
  states?: ClusterState[];
  name?: string;
  /** Clusters created before this one; newest first. */
  after?: string;
  limit: number;
}

/** Machines that have all of it. */
export interface MachineQuery {
  states?: MachineState[];
  uuid?: string;
  /** Address of the connection that a machine was last seen by. */
  from?: string;
  clusterId?: string;
  allocation?: string;
  labels?: Record<string, string>;
  /** Machines registered before this one; newest first. */
  after?: string;
  limit: number;
}

/**
 * One contract, several drivers (SQLite, Redis), held to it by one suite.
 * `commit` is the only way to write: all of it or nothing, durable (SQLite: on disk; Redis: as its settings and options say) when the promise resolves.
 */
export interface Store {
  /** Records may be shared and frozen: change copies. */
  cluster(id: string): Promise<ClusterRecord | undefined>;
  clusters(query: ClusterQuery): Promise<ClusterRecord[]>;
  member(clusterId: string, name: string): Promise<MemberRecord | undefined>;
  /** In the order they were planned: control planes, then workers. */
  members(clusterId: string): Promise<MemberRecord[]>;
  /** The same, by name only: a document of thousands of peers needs no records. */
  memberNames(clusterId: string): Promise<string[]>;
  /** By the hash of a capability (live or spent) or of a report token; constant time in the number of members. */
  memberByTokenHash(hash: string): Promise<MemberRecord | undefined>;
  secret(key: SecretKey): Promise<Uint8Array | undefined>;
  idempotency(key: string): Promise<IdempotencyRecord | undefined>;
  /** Events after `sequence`, oldest first. Sequences count from 1 for each cluster, without gaps. */
  events(clusterId: string, after: number, limit: number): Promise<Event[]>;
  /** Ids of the clusters deleted before `time` (milliseconds since the epoch), oldest deletion first. */
  deletedBefore(time: number, limit: number): Promise<string[]>;
  /** Entries after a sequence, oldest first. Sequences count from 1 for the whole server, without gaps. */
  audit(query: { after: number; limit: number }): Promise<AuditEntry[]>;
  machine(id: string): Promise<MachineRecord | undefined>;
  /** Constant time in the number of machines. */
  machineByMac(mac: string): Promise<MachineRecord | undefined>;
  machines(query: MachineQuery): Promise<MachineRecord[]>;
  countMachines(state: MachineState): Promise<number>;
  /** Machines in state `seen`; those that were not heard of for the longest time first. */
  longestUnseen(limit: number): Promise<MachineRecord[]>;
  approvalRules(): Promise<ApprovalRulesRecord | undefined>;
  commit(changes: Changes): Promise<void>;
  /**
   * Calls `listener` after every commit that touches the cluster, whichever server made it; now and then also where
   * nothing changed. Returns the function that ends it.
   */
  watch(clusterId: string, listener: () => void): () => void;
  /** Throws where the store cannot serve. */
  check(): Promise<void>;
  close: () => Promise<void>;
  /** Closes it, and removes all that it holds for good. */
  erase: () => Promise<void>;
}
