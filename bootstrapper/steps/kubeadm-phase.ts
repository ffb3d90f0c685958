import { setTimeout as sleep } from "node:timers/promises";
import { type BootstrapError, toBootstrapError } from "../errors.ts";
import { below } from "../files.ts";
import { kubeadmConfig } from "../render/kubeadm.ts";
import { superAdminKubeconfig } from "../render/kubeconfigs.ts";
import type { Session } from "../session.ts";

const intervalMs = 1000;
/**
 * The words of Go's HTTP client, of client-go and of the API server for what may be otherwise in a moment. kubeadm
 * itself tries for a minute, whatever the deadline.
 */
const passing = new RegExp(
  [
    String.raw`Client\.Timeout|context deadline exceeded|i/o timeout|TLS handshake timeout|timed out`,
    String.raw`connection (refused|reset by peer)|no route to host|broken pipe|\bEOF\b|http2: |GOAWAY`,
    String.raw`etcdserver: |Too many requests|the server is currently unable|the server was unable to return a response`,
    String.raw`Operation cannot be fulfilled|not yet ready`,
  ].join("|"),
);

/**
 * Runs one of `kubeadm init`'s phases that may be run as often as one likes, until the API server has taken it or `signal`
 * ends it. What another attempt cannot mend is thrown at once: BootstrapError `kubernetes`.
 */
export async function runKubeadmPhase({ root, exec }: Session, phase: string[], signal: AbortSignal): Promise<void> {
  // The one administrator whom the API server knows before it has made its roles.
  const flags = [`--config=${below(root, kubeadmConfig)}`, `--kubeconfig=${below(root, superAdminKubeconfig)}`];
  let last: BootstrapError | undefined;
  for (;;) {
    try {
      await exec(["kubeadm", "init", "phase", ...phase, ...flags], signal);
      return;
    } catch (error) {
      const failure = toBootstrapError(error, "kubernetes");
      // That the deadline ended it says less than what it was ended in.
      if (signal.aborted) throw last ?? failure;
      if (!passing.test(`${failure.message}\n${failure.logTail}`)) throw failure;
      last = failure;
    }
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
  }
}
