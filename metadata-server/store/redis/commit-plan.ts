import type { StoreLimits } from "../limits.ts";
import type { ClusterRecord, MemberRecord } from "../records.ts";
import {
  addressTaken,
  clusterTitle,
  keyUsed,
  leaseLost,
  machineTitle,
  macTaken,
  memberTitle,
  nameTaken,
  noSuchCluster,
  notDeleted,
  rulesTitle,
  stale,
  tokenTaken,
} from "../refusals.ts";
import type { Changes } from "../store.ts";
import { touchedClusters } from "../watchers.ts";
import { toHeld } from "./leases.ts";
import { planMachines } from "./plan-machines.ts";
import { stringifyInTurns, toDo } from "./stringify-in-turns.ts";

/** For this time a plan whose answer was lost can be sent again. */
const rememberedMs = 120_000;

export interface PlanOptions {
  /** Unique to this commit. */
  id: string;
  /** Milliseconds since the epoch. */
  now: number;
  limits: StoreLimits;
  /** Audit entries up to this sequence may be dropped: they are written out. */
  auditWrittenOut: number;
}

/**
 * Returns the arguments of commit-check.lua. They are copies, so the caller may change its objects at once; of thousands
 * of records the later ones are copied in further turns.
 */
export async function planCommit(
  changes: Changes,
  { id, now, limits, auditWrittenOut }: PlanOptions,
): Promise<[plan: string, ...sealed: Buffer[]]> {
  const { clusters = [], members = [], removedMembers = [], secrets = [], events = [] } = changes;
  const { audit = [], purge = [], idempotency, lease } = changes;
  const { approvalRules, ...machineLists } = planMachines(changes);
  const sealed = secrets.flatMap((secret) => (secret.sealed === null ? [] : [Buffer.from(secret.sealed)]));
  const plan = {
    id,
    now,
    rememberedMs,
    ...limits,
    auditWrittenOut,
    purge,
    approvalRules,
    idempotency: idempotency && {
      key: idempotency.key,
      clusterId: idempotency.clusterId,
      json: JSON.stringify(idempotency),
    },
    lease: lease && { name: lease.name, held: toHeld(lease) },
    touched: JSON.stringify(touchedClusters(changes)),
  };
  const lists = await stringifyInTurns({
    clusters: toDo(clusters, toNextVersion),
    members: toDo(members, toNextVersion),
    removedMembers: toDo(removedMembers, ({ clusterId, name, version }) => ({ clusterId, name, version })),
    // A secret of the cluster itself has the member ''.
    secrets: toDo(secrets, ({ clusterId, member, sealed: bytes }) => ({
      clusterId,
      member: member ?? "",
      destroyed: bytes === null,
    })),
    events: toDo(events, ({ clusterId, event }) => ({ clusterId, json: JSON.stringify(event) })),
    audit: toDo(audit, (entry) => JSON.stringify(entry)),
    ...machineLists,
  });
  return [`${JSON.stringify(plan).slice(0, -1)},${lists}}`, ...sealed];
}

const toNextVersion = (record: ClusterRecord | MemberRecord) =>
  JSON.stringify({ ...record, version: record.version + 1 });

/** Answer of commit-check.lua: reason, part of the plan, place in it from 1 (or sequence), detail. */
export type CommitAnswer = [reason: string, part?: keyof Changes, place?: number, detail?: string];

/** Returns the refusal as the same Error that every driver throws. */
export function toRefusal([reason, part, place = 1, detail = ""]: CommitAnswer, changes: Changes): Error {
  const cluster = changes.clusters?.[place - 1];
  const member = changes.members?.[place - 1];
  if (reason === "key-used") return keyUsed();
  if (reason === "lease-lost" && changes.lease) return leaseLost(changes.lease);
  if (reason === "name-taken" && cluster) return nameTaken(cluster);
  if (reason === "stale" && part === "clusters" && cluster) return stale(clusterTitle(cluster), cluster.version);
  if (reason === "stale" && part === "members" && member) return stale(memberTitle(member), member.version);
  const gone = changes.removedMembers?.[place - 1];
  if (reason === "stale" && part === "removedMembers" && gone) return stale(memberTitle(gone), gone.version);
  const machine = changes.machines?.[place - 1];
  const removed = changes.removedMachines?.[place - 1];
  if (reason === "mac-taken" && machine) return macTaken(machine, detail);
  if (reason === "stale" && part === "machines" && machine) return stale(machineTitle(machine), machine.version);
  if (reason === "stale" && part === "removedMachines" && removed) return stale(machineTitle(removed), removed.version);
  if (reason === "stale" && part === "approvalRules") return stale(rulesTitle, changes.approvalRules?.version ?? 0);
  if (reason === "token-taken" && member)
    return detail === member.addressKey ? addressTaken(member) : tokenTaken(member.name);
  if (reason === "not-deleted") return notDeleted(changes.purge?.[place - 1] ?? "", detail);
  if (reason === "no-cluster" && part === "members" && member)
    return noSuchCluster(`member ${member.name}`, member.clusterId);
  if (reason === "no-cluster" && part === "secrets")
    return noSuchCluster("a secret", changes.secrets?.[place - 1]?.clusterId ?? "");
  if (reason === "no-cluster" && part === "events")
    return noSuchCluster("an event", changes.events?.[place - 1]?.clusterId ?? "");
  if (reason === "no-cluster" && part === "idempotency")
    return noSuchCluster("an idempotency key", changes.idempotency?.clusterId ?? "");
  return new Error(`Cannot commit: the store refused it for an unknown reason (${reason})`);
}
