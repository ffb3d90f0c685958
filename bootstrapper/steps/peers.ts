import { BootstrapError } from "../errors.ts";
import { answerTimeoutMs, askProbe } from "../peers/ask-probe.ts";
import { describeBlocked } from "../peers/describe-blocked.ts";
import { findBlocked } from "../peers/find-blocked.ts";
import { readNeighbourTable } from "../peers/neighbour-table.ts";
import { planPeers } from "../peers/probe.ts";
import type { Session } from "../session.ts";

const pauseMs = 500;

/** Preflight between nodes: a pair that is blocked is named. Peers that are not up yet are asked until all else is done. */
export async function checkPeers({ metadata, root }: Session, signal: AbortSignal): Promise<void> {
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
