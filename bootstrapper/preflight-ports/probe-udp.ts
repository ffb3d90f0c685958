import { createSocket } from "node:dgram";
import type { Answer } from "./probe.ts";
import { firstAnswer, type ProbeOptions } from "./probe-tcp.ts";

/**
 * No program understands it: a VXLAN port drops a packet without the flag of its header, DNS one shorter than its
 * header.
 */
const nothing = Buffer.alloc(8);

/**
 * Sends one meaningless packet. If no program listens, the peer's kernel says so by ICMP; a program that listens need
 * not answer. Of the other ICMP messages a connected socket reports only those that prohibit (`icmp_err_convert`,
 * udp(7)).
 */
export const probeUdp = ({ address, port, ...limits }: ProbeOptions): Promise<Answer> =>
  firstAnswer(limits, (resolve) => {
    const socket = createSocket("udp4");
    let isConnected = false;
    const fail = ({ code }: NodeJS.ErrnoException) => {
      if (code === "ECONNREFUSED") resolve("refused");
      else if (code === "EACCES" || code === "EPERM") resolve("prohibited");
      else if (code === "EHOSTUNREACH" || code === "ENETUNREACH") resolve(isConnected ? "prohibited" : "unreachable");
      else resolve("unknown");
    };
    socket.on("error", fail);
    socket.once("message", () => resolve("accepted"));
    socket.connect(port, address, (error?: Error) => {
      if (error) return fail(error);
      isConnected = true;
      socket.send(nothing, (failure) => {
        if (failure) fail(failure);
      });
    });
    return () => socket.close();
  });
