import { connect } from "node:net";
import type { Answer } from "./probe.ts";

export interface ProbeOptions {
  address: string;
  port: number;
  timeoutMs: number;
  signal: AbortSignal;
}

/** What the kernel makes of the answer to a SYN: connect(2), and `icmp_err_convert` for what ICMP brings. */
const answers: Record<string, Answer> = {
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EHOSTDOWN: "unreachable",
  ETIMEDOUT: "silent",
  /** This machine's own packet filter, or a `prohibit` route. */
  EACCES: "prohibited",
  EPERM: "prohibited",
};

/** Connects and hangs up: not a byte is sent. */
export function probeTcp({ address, port, timeoutMs, signal }: ProbeOptions): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const socket = connect({ host: address, port });
  // A process that was not scheduled for a while hears of the answer after its timer: it may still be there.
  const timer = setTimeout(() => setImmediate(resolve, "silent"), timeoutMs);
  const abort = () => resolve("unknown");
  signal.addEventListener("abort", abort, { once: true });
  socket.once("connect", () => resolve("accepted"));
  socket.once("error", (error: NodeJS.ErrnoException) => resolve(answers[error.code ?? ""] ?? "unknown"));
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    socket.destroy();
  });
}
