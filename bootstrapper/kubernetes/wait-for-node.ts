import { BootstrapError } from "../errors.ts";
import type { KubernetesApi } from "./api-client.ts";
import type { KubernetesNode } from "./node.ts";
import { watchNodes } from "./watch-nodes.ts";

interface WaitForNodeOptions {
  name: string;
  /** Returns why a Node does not satisfy the caller yet. Undefined if it does. */
  whyNot: (node: KubernetesNode) => string | undefined;
  signal: AbortSignal;
  /** What the caller waits for, as in "Cannot see Node". */
  failure: string;
}

const retryDelayMs = 100;

/**
 * Waits for one Node by a watch, which leaves the processor to the kubelet that is starting. Throws BootstrapError with
 * the last reason when the signal aborts.
 */
export async function waitForNode(api: KubernetesApi, options: WaitForNodeOptions): Promise<void> {
  const { name, whyNot, signal, failure } = options;
  let last = "no answer yet";
  const onError = ({ message }: Error) => {
    last = message;
  };
  for await (const nodes of watchNodes(api, { name, signal, retryDelayMs, onError })) {
    const node = nodes.get(name);
    const reason = node === undefined ? "it does not exist" : whyNot(node);
    if (reason === undefined) return;
    last = reason;
  }
  throw new BootstrapError("kubernetes", `${failure}: ${last}, and time is up`);
}
