import { retry } from "#lib/retry.ts";
import { toBootstrapError } from "../errors.ts";
import { below } from "../machine/files.ts";
import { kubeadmConfig } from "../render/kubeadm.ts";
import { superAdminKubeconfig } from "../render/kubeconfigs.ts";
import type { NodeContext } from "./node-context.ts";

const intervalMs = 1000;
/**
 * Words of Go's HTTP client, of client-go and of the API server for errors that may pass in a moment. kubeadm itself
 * retries for a minute, whatever the deadline.
 */
const transient = new RegExp(
  [
    String.raw`Client\.Timeout|context deadline exceeded|i/o timeout|TLS handshake timeout|timed out`,
    String.raw`connection (refused|reset by peer)|no route to host|broken pipe|\bEOF\b|http2: |GOAWAY`,
    String.raw`etcdserver: |Too many requests|the server is currently unable|the server was unable to return a response`,
    String.raw`Operation cannot be fulfilled|not yet ready`,
  ].join("|"),
);

/**
 * Runs a repeatable phase of `kubeadm init` until the API server has accepted it or the signal aborts. Throws
 * BootstrapError `kubernetes`, at once if another attempt cannot help.
 */
export async function runKubeadmPhase(
  { root, exec }: NodeContext,
  phase: string[],
  signal: AbortSignal,
): Promise<void> {
  // The only administrator that the API server knows before it has made its roles.
  const flags = [`--config=${below(root, kubeadmConfig)}`, `--kubeconfig=${below(root, superAdminKubeconfig)}`];
  const mayPass = (error: unknown) => {
    const { message, logTail } = toBootstrapError(error, "kubernetes");
    // The last failure says more than that the deadline passed.
    return signal.aborted || transient.test(`${message}\n${logTail}`);
  };
  await retry(() => exec(["kubeadm", "init", "phase", ...phase, ...flags], signal), {
    signal,
    delays: { firstMs: intervalMs, factor: 1 },
    isRetriable: mayPass,
  });
}
