import { ports } from "../kubernetes/ports.ts";
import type { Answer, Probe } from "./probe.ts";

/**
 * `open`: packets arrive and their answers come back. `blocked`: the peer is up, this port is not within reach. `later`:
 * nothing can be said of a peer that may not be up yet. `unknowable`: nothing more will be learned by asking again.
 */
export type Verdict = "open" | "blocked" | "later" | "unknowable";

export interface Evidence {
  /** Of one peer, in the same round. */
  answers: ReadonlyMap<Probe, Answer>;
  /** Whether ARP has found it; undefined behind a router. */
  isResolved: boolean | undefined;
}

/** Pure. One peer's probes, each judged by what the others tell of the peer. */
export function judge({ answers, isResolved }: Evidence): Map<Probe, Verdict> {
  const heard = [...answers.values()].some((answer) => answer === "accepted" || answer === "refused");
  const kubelet = [...answers].find(([probe]) => probe.protocol === "tcp" && probe.port === ports.kubelet)?.[1];
  const peer = { isUp: heard || isResolved === true, kubelet };
  return new Map([...answers].map(([probe, answer]) => [probe, judgeOne({ probe, answer, peer })]));
}

interface Case {
  probe: Probe;
  answer: Answer;
  peer: { isUp: boolean; kubelet: Answer | undefined };
}

function judgeOne({ probe, answer, peer }: Case): Verdict {
  switch (answer) {
    case "accepted":
    case "refused":
      return "open";
    case "prohibited":
      return "blocked";
    case "unknown":
      return "later";
    default:
      if (probe.protocol === "udp" && answer === "silent") return judgeSilentUdp(peer);
      return peer.isUp ? "blocked" : "later";
  }
}

/**
 * Whoever listens need not answer. While the peer's kubelet does not run, no network plugin of its does, nobody listens,
 * and its kernel would say so.
 */
function judgeSilentUdp({ kubelet }: Case["peer"]): Verdict {
  if (kubelet === "refused") return "blocked";
  return kubelet === "accepted" ? "unknowable" : "later";
}
