import { connect } from "node:net";
import type { Answer } from "./probe.ts";

export interface ProbeOptions {
  address: string;
  port: number;
  timeoutMs: number;
  signal: AbortSignal;
}

/** What connect(2) returns for each answer to a SYN, and for each ICMP message (`icmp_err_convert`). */
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

/** Connects and closes the connection. It sends no byte. */
export const probeTcp = ({ address, port, ...limits }: ProbeOptions): Promise<Answer> =>
  firstAnswer(limits, (resolve) => {
    const socket = connect({ host: address, port });
    socket.once("connect", () => resolve("accepted"));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(answers[error.code ?? ""] ?? "unknown"));
    return () => socket.destroy();
  });

/** Returns the first answer that `ask` gives; `silent` after the timeout, `unknown` if the signal aborts. Then closes. */
export function firstAnswer(
  { timeoutMs, signal }: Pick<ProbeOptions, "timeoutMs" | "signal">,
  ask: (resolve: (answer: Answer) => void) => () => void,
): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const close = ask(resolve);
  // A process that was not scheduled for a while gets the answer after its timer: it may still arrive.
  const timer = setTimeout(() => setImmediate(resolve, "silent"), timeoutMs);
  const abort = () => resolve("unknown");
  signal.addEventListener("abort", abort, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    close();
  });
}
