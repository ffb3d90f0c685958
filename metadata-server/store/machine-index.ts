import type { MachineRecord } from "./machine-record.ts";
import type { MachineQuery } from "./store.ts";

/** Whatever a machine can be found by besides its id and MACs, as words that every driver indexes the same way. */
export function indexTerms({ uuid, lastSeenFrom, assignment, labels }: MachineRecord): string[] {
  return [...identityTerms({ uuid, from: lastSeenFrom, ...assignment }), ...labelTerms(labels)];
}

/** What a machine must have all of. */
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
