import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesApi } from "./api-client.ts";
import type { KubernetesNode } from "./node.ts";

export interface WatchNodesOptions {
  signal: AbortSignal;
  /** After a lost connection or an error, which it is told. */
  retryDelayMs: number;
  onError?: (error: Error) => void;
}

interface NodeList {
  metadata: { resourceVersion: string };
  items: KubernetesNode[];
}
type WatchEvent = { type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR"; object: KubernetesNode };

const watchSeconds = 300;

/**
 * Every Node by name, yielded after each change: a list, then a watch from its resource version; both again after
 * any error. Ends when the signal aborts.
 */
export async function* watchNodes(
  api: KubernetesApi,
  options: WatchNodesOptions,
): AsyncGenerator<Map<string, KubernetesNode>> {
  const { signal, retryDelayMs, onError } = options;
  while (!signal.aborted) {
    try {
      const list = await api.get<NodeList>("/api/v1/nodes", signal);
      if (list === undefined) throw new Error("/api/v1/nodes answered 404");
      const nodes = new Map(list.items.map((node) => [node.metadata.name, node]));
      yield nodes;
      for await (const event of watchEvents(api, list.metadata.resourceVersion, signal)) {
        if (event.type === "ERROR") break;
        if (event.type === "BOOKMARK") continue;
        if (event.type === "DELETED") nodes.delete(event.object.metadata.name);
        else nodes.set(event.object.metadata.name, event.object);
        yield nodes;
      }
    } catch (error) {
      if (!signal.aborted) onError?.(error as Error);
    }
    await sleep(retryDelayMs, undefined, { signal }).catch(() => undefined);
  }
}

async function* watchEvents(
  api: KubernetesApi,
  resourceVersion: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const query = new URLSearchParams({ watch: "1", resourceVersion, timeoutSeconds: String(watchSeconds) });
  const answer = await api.stream(`/api/v1/nodes?${query.toString()}`, signal);
  try {
    for await (const line of createInterface({ input: answer })) if (line !== "") yield JSON.parse(line) as WatchEvent;
  } finally {
    answer.destroy();
  }
}
