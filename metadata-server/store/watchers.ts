import type { Logger } from "../logger.ts";
import { type Changes, inventory } from "./store.ts";

export function touchedClusters(changes: Changes): string[] {
  const touched = new Set([
    ...(changes.clusters ?? []).map(({ id }) => id),
    ...[
      ...(changes.members ?? []),
      ...(changes.removedMembers ?? []),
      ...(changes.secrets ?? []),
      ...(changes.events ?? []),
    ].map(({ clusterId }) => clusterId),
    ...(changes.purge ?? []),
    ...((changes.machines ?? changes.removedMachines) === undefined ? [] : [inventory]),
  ]);
  return [...touched];
}

/** Keeps the listeners of this process. One that throws is logged, and affects neither the commit nor the others. */
export function createWatchers(logger: Logger) {
  const listeners = new Map<string, Set<{ call: () => void }>>();

  function callListeners(clusterIds: readonly string[]): void {
    for (const clusterId of clusterIds) {
      for (const { call } of Array.from(listeners.get(clusterId) ?? [])) {
        try {
          call();
        } catch (error) {
          logger.error("Cannot call store listener", { clusterId, error: String(error) });
        }
      }
    }
  }

  return {
    add(clusterId: string, call: () => void): () => void {
      const listener = { call };
      const group = listeners.get(clusterId) ?? new Set();
      listeners.set(clusterId, group.add(listener));
      return () => {
        group.delete(listener);
        if (group.size === 0 && listeners.get(clusterId) === group) listeners.delete(clusterId);
      };
    },
    call: callListeners,
    callAll: () => callListeners([...listeners.keys()]),
  };
}
