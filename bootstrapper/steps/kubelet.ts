import { openEndpoint } from "./open-endpoint.ts";
import type { NodeContext } from "./node-context.ts";

/** Starts the kubelet, which has every file that it reads, without waiting for it. */
export async function startKubelet(context: NodeContext, signal: AbortSignal): Promise<void> {
  await openEndpoint(context, signal);
  await context.exec(["systemctl", "start", "--no-block", "kubelet.service"], signal);
}

/** Whether an earlier run started the kubelet, which then has every file that it reads. */
export async function isKubeletActive({ isResumed, exec }: NodeContext, signal: AbortSignal): Promise<boolean> {
  if (!isResumed) return false;
  return exec(["systemctl", "is-active", "--quiet", "kubelet.service"], signal).then(
    () => true,
    () => {
      signal.throwIfAborted();
      return false;
    },
  );
}
