import { BootstrapError, type FailureCode } from "../errors.ts";
import type { KubernetesApi } from "./api-client.ts";
import type { KubernetesNode } from "./node.ts";
import { watchNodes } from "./watch-nodes.ts";

export interface WaitForNodeOptions {
  name: string;
  /** Why a Node is not yet as it is waited for; undefined where it is. */
  whyNot: (node: KubernetesNode) => string | undefined;
  signal: AbortSignal;
  /** What the waiting is for, as in "Cannot see Node". */
  failure: { code: FailureCode; message: string };
}

const retryDelayMs = 100;

/**
 * Waits for one Node by a watch: a kubelet that starts beside it has the processor for itself. Throws BootstrapError with
 * the last reason when the signal ends the wait.
 */
export async function waitForNode(api: KubernetesApi, options: WaitForNodeOptions): Promise<void> {
  const { name, whyNot, signal, failure } = options;
  let last = "no answer yet";
  const onError = ({ message }: Error) => {
    last = message;
  };
  for await (const nodes of watchNodes(api, { name, signal, retryDelayMs, onError })) {
    const node = nodes.get(name);
    const reason = node === undefined ? "there is no such Node" : whyNot(node);
    if (reason === undefined) return;
    last = reason;
  }
  throw new BootstrapError(failure.code, `${failure.message}: ${last}, and time is up`);
}
