import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesApi } from "./api-client.ts";
import type { KubernetesNode } from "./node.ts";

interface WatchNodesOptions {
  /** Watches one Node only. */
  name?: string;
  signal: AbortSignal;
  /** Pause after a lost connection or an error, which `onError` gets. */
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
 * Yields every Node by name after each change. Lists, then watches from the list's resource version; after an error it
 * does both again. Ends when the signal aborts.
 */
export async function* watchNodes(
  api: KubernetesApi,
  options: WatchNodesOptions,
): AsyncGenerator<Map<string, KubernetesNode>> {
  const { name, signal, retryDelayMs, onError } = options;
  const selector: Record<string, string> = name === undefined ? {} : { fieldSelector: `metadata.name=${name}` };
  while (!signal.aborted) {
    try {
      const list = await api.get<NodeList>(toPath(selector), signal);
      if (list === undefined) throw new Error("/api/v1/nodes answered 404");
      const nodes = new Map(list.items.map((node) => [node.metadata.name, node]));
      yield nodes;
      const { resourceVersion } = list.metadata;
      const path = toPath({ ...selector, watch: "1", resourceVersion, timeoutSeconds: String(watchSeconds) });
      for await (const event of watchEvents(api, path, signal)) {
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

async function* watchEvents(api: KubernetesApi, path: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
  const answer = await api.stream(path, signal);
  try {
    for await (const line of createInterface({ input: answer })) if (line !== "") yield JSON.parse(line) as WatchEvent;
  } finally {
    answer.destroy();
  }
}

const toPath = (query: Record<string, string>) => `/api/v1/nodes?${new URLSearchParams(query).toString()}`;
