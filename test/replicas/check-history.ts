import type { AuditEntry } from "#api/audit.ts";
import type { Cluster } from "#api/cluster.ts";
import type { Event } from "#api/event.ts";
import type { MachineSpec } from "../../metadata-server/providers/provider.ts";

/** What a client or a node was promised by an answer. */
export type Promised = { at: number; clusterId: string } & (
  | { kind: "created" }
  /** `machine` got the private key with this fingerprint. */
  | { kind: "claimed"; member: string; machine: string; key: string }
  | { kind: "reported"; member: string; phase: string }
);

export interface History {
  clusters: { cluster: Pick<Cluster, "id" | "state" | "members">; events: Event[] }[];
  /** Machines that run at the end. */
  machines: Pick<MachineSpec, "clusterId" | "name" | "allocation" | "address" | "mac">[];
  audit: Pick<AuditEntry, "action" | "clusterId" | "member" | "detail">[];
  promised: Promised[];
  /** When a master of Redis was killed, by the clock of `promised`. */
  failovers: number[];
}

export interface Verdict {
  /** Rules that do not hold, and what was seen. */
  violations: string[];
  /** Acknowledged writes that a failover took, and which one. */
  lost: string[];
}

/** A master that is killed may take what it acknowledged so long before. */
const explainedMs = 5000;

/** Judges a run from what is on record at its end, and from what was promised meanwhile. */
export function checkHistory(history: History): Verdict {
  const { violations, lost } = checkPromises(history);
  return {
    violations: [
      ...history.clusters.flatMap(checkTimeline),
      ...checkMachines(history),
      ...checkHolders(history.promised),
      ...checkBindings(history.audit),
      ...violations,
    ],
    lost,
  };
}

const lifecycle = ["pending", "provisioning", "bootstrapping", "ready"];

function checkTimeline({ cluster, events }: History["clusters"][number]): string[] {
  const states = events.flatMap((event) =>
    event.type === "cluster" && event.message === undefined ? [event.state] : [],
  );
  const phases = events.flatMap((event) =>
    event.type === "phase" ? [`${event.member} ${event.phase} ${event.state}`] : [],
  );
  const isGapless = events.every(({ sequence }, index) => sequence === index + 1);
  return [
    ...(cluster.state === "ready" ? [] : [`${cluster.id} is ${cluster.state}, not ready`]),
    ...(isGapless ? [] : [`the timeline of ${cluster.id} has a gap`]),
    ...(states.join() === lifecycle.join() ? [] : [`${cluster.id} went ${states.join(", ")}`]),
    ...findRepeated(phases).map((phase) => `${cluster.id} has ${phase} twice`),
  ];
}

function checkMachines({ clusters, machines }: History): string[] {
  const wanted = clusters.flatMap(({ cluster }) =>
    cluster.members.map(({ name, allocation }) => `${cluster.id}/${name}/${allocation}`),
  );
  const found = machines.map(({ clusterId, name, allocation }) => `${clusterId}/${name}/${allocation}`);
  const taken = machines.flatMap(({ address, mac }) => [address ?? [], mac ?? []].flat());
  return [
    ...difference(wanted, found).map((one) => `${one} has no machine`),
    ...difference(found, wanted).map((one) => `machine ${one} has no member`),
    ...findRepeated(found).map((one) => `${one} has two machines`),
    ...findRepeated(taken).map((one) => `${one} was allocated twice`),
  ];
}

function checkHolders(promised: readonly Promised[]): string[] {
  const claims = promised.filter((one) => one.kind === "claimed");
  const holders = unique(claims.map(({ clusterId, member, machine }) => [`${clusterId}/${member}`, machine]));
  const keys = unique(claims.map(({ clusterId, member, key }) => [key, `${clusterId}/${member}`]));
  const kinds = unique(claims.map(({ clusterId, member, key }) => [`${clusterId}/${member}`, key]));
  return [
    ...findRepeated(holders.map(([member]) => member)).map((member) => `two machines hold the secrets of ${member}`),
    ...findRepeated(keys.map(([key]) => key)).map((key) => `two members have the key ${key}`),
    ...findRepeated(kinds.map(([member]) => member)).map((member) => `${member} was given two keys`),
  ];
}

function checkBindings(audit: History["audit"]): string[] {
  const bindings = audit.flatMap(({ action, clusterId, member, detail = "" }) =>
    action === "capability-use" ? [[`${clusterId}/${member}`, detail] as const] : [],
  );
  return findRepeated(unique(bindings).map(([member]) => member)).map(
    (member) => `two machines were bound to ${member}`,
  );
}

function checkPromises({ clusters, promised, failovers }: History): Verdict {
  const timelines = new Map(clusters.map(({ cluster, events }) => [cluster.id, events]));
  const missing = promised.filter((one) => !isOnRecord(one, timelines.get(one.clusterId)));
  const verdict: Verdict = { violations: [], lost: [] };
  for (const one of missing) {
    const failover = failovers.findIndex((at) => one.at <= at && at - one.at <= explainedMs);
    if (failover === -1) verdict.violations.push(`${describe(one)} was acknowledged and is not on record`);
    else verdict.lost.push(`${describe(one)}, acknowledged before failover ${failover + 1}`);
  }
  return verdict;
}

function isOnRecord(promised: Promised, events: readonly Event[] | undefined): boolean {
  if (events === undefined) return false;
  if (promised.kind !== "reported") return true;
  const { member, phase } = promised;
  return events.some((event) => event.type === "phase" && event.member === member && event.phase === phase);
}

const describe = (one: Promised) =>
  one.kind === "created" ? `cluster ${one.clusterId}` : `${one.kind} by ${one.clusterId}/${one.member}`;

const difference = (one: readonly string[], other: readonly string[]) => [...new Set(one).difference(new Set(other))];

const findRepeated = (all: readonly string[]) => [...new Set(all.filter((one, index) => all.indexOf(one) !== index))];

/** Returns each pair once. */
const unique = (pairs: readonly (readonly [string, string])[]) => [
  ...new Map(pairs.map((pair) => [pair.join("\n"), pair])).values(),
];
