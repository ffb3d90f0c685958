import { createSocket } from "node:dgram";
import type { Answer } from "./probe.ts";
import type { ProbeOptions } from "./probe-tcp.ts";

/** Means nothing to anybody: a VXLAN port drops a packet without the flag of its header, DNS one shorter than its. */
const nothing = Buffer.alloc(8);

/**
 * Sends one packet that means nothing. A kernel where nobody listens says so by ICMP; whoever listens need not answer.
 * Of the other ICMP messages a connected socket is told those only that prohibit (`icmp_err_convert`, udp(7)).
 */
export function probeUdp({ address, port, timeoutMs, signal }: ProbeOptions): Promise<Answer> {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const socket = createSocket("udp4");
  const timer = setTimeout(() => setImmediate(resolve, "silent"), timeoutMs);
  const abort = () => resolve("unknown");
  let isConnected = false;
  const fail = ({ code }: NodeJS.ErrnoException) => {
    if (code === "ECONNREFUSED") resolve("refused");
    else if (code === "EACCES" || code === "EPERM") resolve("prohibited");
    else if (code === "EHOSTUNREACH" || code === "ENETUNREACH") resolve(isConnected ? "prohibited" : "unreachable");
    else resolve("unknown");
  };
  signal.addEventListener("abort", abort, { once: true });
  socket.on("error", fail);
  socket.once("message", () => resolve("accepted"));
  socket.connect(port, address, (error?: Error) => {
    if (error) return fail(error);
    isConnected = true;
    socket.send(nothing, (failure) => {
      if (failure) fail(failure);
    });
  });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    socket.close();
  });
}
