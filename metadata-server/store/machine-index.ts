import type { MachineRecord } from "./machine-record.ts";
import type { MachineQuery } from "./store.ts";

/** Returns the terms that find a machine, besides its id and MACs. Every driver indexes the same ones. */
export function indexTerms({ uuid, lastSeenFrom, assignment, labels }: MachineRecord): string[] {
  return [...identityTerms({ uuid, from: lastSeenFrom, ...assignment }), ...labelTerms(labels)];
}

/** Returns the terms that a machine must all have to match the query. */
export function queryTerms({ uuid, from, clusterId, allocation, labels = {} }: MachineQuery): string[] {
  return [...identityTerms({ uuid, from, clusterId, allocation }), ...labelTerms(labels)];
}

type Optional = string | null | undefined;

const identityTerms = (fields: { uuid?: Optional; from?: Optional; clusterId?: Optional; allocation?: Optional }) =>
  (["uuid", "from", "clusterId", "allocation"] as const).flatMap((name) => {
    const value = fields[name];
    return value === undefined || value === null ? [] : [JSON.stringify([name, value])];
  });

const labelTerms = (labels: Record<string, string>) =>
  Object.entries(labels).map(([key, value]) => JSON.stringify(["label", key, value]));
