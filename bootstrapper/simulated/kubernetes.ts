import { once } from "node:events";

/** Stands in for the Kubernetes of one simulated cluster: an API server that only knows which nodes have joined. */
export interface SimulatedKubernetes {
  startApiServer(): void;
  /** Resolves once the API server runs, or the signal aborts. */
  untilApiServer(signal: AbortSignal): Promise<void>;
  addNode(name: string): void;
  /** Resolves once all of these nodes have joined, or the signal aborts. Returns those that are missing. */
  untilNodes(names: readonly string[], signal: AbortSignal): Promise<string[]>;
}

export function createSimulatedKubernetes(): SimulatedKubernetes {
  const nodes = new Set<string>();
  const apiServer = Promise.withResolvers<void>();
  const changes = new EventTarget();
  const missingOf = (names: readonly string[]) => names.filter((name) => !nodes.has(name));
  return {
    startApiServer: () => apiServer.resolve(),
    untilApiServer: async (signal) => Promise.race([apiServer.promise, untilAborted(signal)]),
    addNode(name) {
      nodes.add(name);
      changes.dispatchEvent(new Event("node"));
    },
    async untilNodes(names, signal) {
      while (missingOf(names).length > 0 && !signal.aborted)
        await once(changes, "node", { signal }).catch(() => undefined);
      return missingOf(names);
    },
  };
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
