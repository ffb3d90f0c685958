import type { Answer, Peer, Probe } from "./probe.ts";
import { probeTcp } from "./probe-tcp.ts";
import { probeUdp } from "./probe-udp.ts";

/** Under a second, so that asking twice is under two. */
export const answerTimeoutMs = 900;

export function askProbe({ peer, probe }: { peer: Peer; probe: Probe }, signal: AbortSignal): Promise<Answer> {
  const ask = probe.protocol === "tcp" ? probeTcp : probeUdp;
  return ask({ address: peer.address, port: probe.port, timeoutMs: answerTimeoutMs, signal });
}
