import { setTimeout as sleep } from "node:timers/promises";
import type { NeighbourTable } from "./neighbour-table.ts";
import { judge } from "./judge.ts";
import type { Answer, Peer, Probe } from "./probe.ts";

export interface Blocked {
  peer: Peer;
  probe: Probe;
  answer: Answer;
}

interface FindBlockedOptions {
  ask: (question: { peer: Peer; probe: Probe }) => Promise<Answer>;
  readNeighbours: () => Promise<NeighbourTable>;
  /** Pause between two rounds while a peer is not up. */
  pauseMs: number;
  /** Ends the search at once. */
  signal: AbortSignal;
}

/** Long enough for a peer that came up during the last round. */
const confirmPauseMs = 50;

/**
 * Probes all peers at once, and those that are not up yet again, until each is open or one is blocked. A pair counts as
 * blocked only after two such rounds in a row: one lost packet, or a peer that is coming up, does not count.
 */
export async function findBlocked(peers: readonly Peer[], options: FindBlockedOptions): Promise<Blocked[]> {
  const { pauseMs, signal } = options;
  let open = peers;
  let suspects: readonly Blocked[] = [];
  while (open.length > 0 && !signal.aborted) {
    const round = await Promise.all(open.map(async (peer) => askPeer(peer, options)));
    if (signal.aborted) return [];
    const blocked = round.flatMap((result) => result.blocked);
    const confirmed = blocked.filter(({ probe, peer }) =>
      suspects.some((suspect) => suspect.probe === probe && suspect.peer === peer),
    );
    if (confirmed.length > 0) return confirmed;
    suspects = blocked;
    open = round.filter(({ isSettled }) => !isSettled).map(({ peer }) => peer);
    if (open.length > 0)
      await sleep(suspects.length > 0 ? confirmPauseMs : pauseMs, undefined, { signal }).catch(() => undefined);
  }
  return [];
}

async function askPeer(peer: Peer, { ask, readNeighbours }: FindBlockedOptions) {
  const answers = new Map(
    await Promise.all(peer.probes.map(async (probe) => [probe, await ask({ peer, probe })] as const)),
  );
  const isResolved = (await readNeighbours()).get(peer.address);
  const verdicts = [...judge({ answers, isResolved })];
  const blocked = verdicts.flatMap(([probe, verdict]) =>
    verdict === "blocked" ? [{ peer, probe, answer: answers.get(probe) ?? "unknown" }] : [],
  );
  const isSettled = verdicts.every(([, verdict]) => verdict === "open" || verdict === "unknowable");
  return { peer, blocked, isSettled };
}
