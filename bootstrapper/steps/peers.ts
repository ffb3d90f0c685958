import { BootstrapError } from "../errors.ts";
import { describeBlocked } from "../preflight-ports/describe-blocked.ts";
import { findBlocked } from "../preflight-ports/find-blocked.ts";
import { readNeighbourTable } from "../preflight-ports/neighbour-table.ts";
import { type Answer, type Peer, planPeers, type Probe } from "../preflight-ports/probe.ts";
import { probeTcp } from "../preflight-ports/probe-tcp.ts";
import { probeUdp } from "../preflight-ports/probe-udp.ts";
import type { NodeContext } from "./node-context.ts";

const pauseMs = 500;
/** Under a second, so that asking twice is under two. */
const answerTimeoutMs = 900;

/**
 * Checks the ports between nodes, and names each blocked pair. Peers that are not up yet are asked until the other
 * steps have ended.
 */
export async function checkPeers({ metadata, root }: NodeContext, signal: AbortSignal): Promise<void> {
  const blocked = await findBlocked(planPeers(metadata), {
    ask: (question) => askProbe(question, signal),
    readNeighbours: () => readNeighbourTable(root),
    pauseMs,
    signal,
  });
  if (blocked.length > 0)
    throw new BootstrapError(
      "preflight",
      describeBlocked(blocked, { self: metadata.self, silentMs: 2 * answerTimeoutMs }),
    );
}

export function askProbe({ peer, probe }: { peer: Peer; probe: Probe }, signal: AbortSignal): Promise<Answer> {
  const ask = probe.protocol === "tcp" ? probeTcp : probeUdp;
  return ask({ address: peer.address, port: probe.port, timeoutMs: answerTimeoutMs, signal });
}
