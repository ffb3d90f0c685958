import type { AuditEntry, NewAuditEntry } from "#api/audit.ts";
import type { ClusterState } from "#api/cluster.ts";
import type { Event, NewEvent } from "#api/event.ts";
import type { MachineState } from "#api/machine.ts";
import type { ApprovalRulesRecord, MachineRecord } from "./machine-record.ts";
import type { ClusterRecord, MemberRecord } from "./records.ts";

/** `member` is null for the secrets of the cluster itself (authorities, service-account key). */
interface SecretKey {
  clusterId: string;
  member: string | null;
}

export interface IdempotencyRecord {
  key: string;
  /** SHA-256 of the first request that used the key. */
  requestHash: string;
  clusterId: string;
  expiresAt: number;
}

/** A server's right to do some work alone. */
export interface Lease {
  name: string;
  /** The server that has it. */
  holder: string;
  /** Fencing token: each new grant has a higher one. */
  token: number;
}

/**
 * Everything that one decision changes. A record is written only if the stored version is the record's own `version`
 * (0: it must not exist yet), and is stored with `version + 1`.
 */
export interface Changes {
  clusters?: ClusterRecord[];
  members?: MemberRecord[];
  /** Members to forget, with their secret and token hashes, at the version that was read. */
  removedMembers?: Pick<MemberRecord, "clusterId" | "name" | "version">[];
  /** `sealed: null` destroys the secret. */
  secrets?: (SecretKey & { sealed: Uint8Array | null })[];
  events?: { clusterId: string; event: NewEvent }[];
  idempotency?: IdempotencyRecord;
  audit?: NewAuditEntry[];
  machines?: MachineRecord[];
  /** Machines to forget, at the version that was read. */
  removedMachines?: Pick<MachineRecord, "id" | "version">[];
  approvalRules?: ApprovalRulesRecord;
  /**
   * Ids of `deleted` clusters to forget for good, with their members, events, secrets, token hashes and idempotency
   * keys. An unknown cluster counts as forgotten already. A cluster in another state is a conflict (`stale`).
   */
  purge?: string[];
  /** The commit is refused (`lease-lost`) unless this lease is still held. */
  lease?: Lease;
}

/**
 * `stale`: read again and decide again. `name-taken`: another live cluster has the name. `key-used`: the idempotency key
 * is known. `mac-taken`: another machine has one of the MACs. `lease-lost`: another server may have the lease by now.
 */
export type ConflictReason = "stale" | "name-taken" | "key-used" | "mac-taken" | "lease-lost";

export class StoreConflict extends Error {
  override name = "StoreConflict";
  readonly reason: ConflictReason;
  constructor(reason: ConflictReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The store cannot serve now. A commit that fails with this error may have been written, unless it was refused. */
export class StoreUnavailable extends Error {
  override name = "StoreUnavailable";
  /** Nothing was written. */
  readonly wasRefused: boolean;
  constructor(message: string, { wasRefused = false, cause }: { wasRefused?: boolean; cause?: unknown } = {}) {
    super(message, { cause });
    this.wasRefused = wasRefused;
  }
}

export interface ClusterQuery {
  states?: ClusterState[];
  name?: string;
  /** Clusters created before this one; newest first. */
  after?: string;
  limit: number;
}

/** Matches machines that have all the given values. */
export interface MachineQuery {
  states?: MachineState[];
  uuid?: string;
  /** Address from which a machine was last seen. */
  from?: string;
  clusterId?: string;
  allocation?: string;
  labels?: Record<string, string>;
  /** Machines registered before this one; newest first. */
  after?: string;
  limit: number;
}

/** What `watch` takes instead of a cluster's id: commits that touch machines. */
export const inventory = "inventory";

/**
 * The contract of every driver (SQLite, Redis); one suite tests them all. `commit` is the only way to write: all of the
 * changes or none. They are durable when its promise resolves. SQLite: on disk; Redis: as its settings and options say.
 */
export interface Store {
  /** Records may be shared and frozen: change copies. */
  cluster(id: string): Promise<ClusterRecord | undefined>;
  clusters(query: ClusterQuery): Promise<ClusterRecord[]>;
  member(clusterId: string, name: string): Promise<MemberRecord | undefined>;
  /** Control planes, then workers, each in the order they were planned. */
  members(clusterId: string): Promise<MemberRecord[]>;
  /** Names in the same order: a document of thousands of peers needs no records. */
  memberNames(clusterId: string): Promise<string[]>;
  /**
   * Finds by the hash of a capability (live or spent) or report token, or by the key of a reported address, in constant
   * time in the number of members. No two members have one of these: a taken address is a conflict (`stale`).
   */
  memberByKey(key: string): Promise<MemberRecord | undefined>;
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
  /** Machines in state `seen` of the address that has most of them, the one unseen for the longest time first. */
  mostCrowded(limit: number): Promise<MachineRecord[]>;
  approvalRules(): Promise<ApprovalRulesRecord | undefined>;
  /** Keeps the id of the key that seals the store's secrets, if it has none yet. Returns the one that is kept. */
  claimKeyId(keyId: string): Promise<string>;
  commit(changes: Changes): Promise<void>;
  /** Whether several servers can use it at once. */
  readonly isShared: boolean;
  /**
   * Takes a lease for `ttlMs` of the store's clock, or prolongs it for its holder. Returns the fencing token; undefined
   * while another server has the lease.
   */
  takeLease(lease: Omit<Lease, "token"> & { ttlMs: number }): Promise<number | undefined>;
  /** Gives a lease back. Does nothing if it is no longer held with this token. */
  releaseLease(lease: Lease): Promise<void>;
  /** The store's clock, the same for every server: milliseconds since the epoch. */
  time(): Promise<number>;
  /**
   * Calls `listener` after every commit that touches the cluster, or the `inventory`, whichever server made it;
   * sometimes also when nothing changed. Returns a function that stops the calls.
   */
  watch(clusterId: string, listener: () => void): () => void;
  /** Throws if the store cannot serve. */
  check(): Promise<void>;
  close: () => Promise<void>;
  /** Closes the store, and removes all its data for good. */
  erase: () => Promise<void>;
}

/** What a driver reads of the inventory. */
export type MachineReaders = Pick<
  Store,
  "machine" | "machineByMac" | "machines" | "countMachines" | "mostCrowded" | "approvalRules"
>;
