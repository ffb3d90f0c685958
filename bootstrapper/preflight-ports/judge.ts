import { ports } from "../kubernetes/ports.ts";
import type { Answer, Probe } from "./probe.ts";

/**
 * `open`: packets arrive and their answers return. `blocked`: the peer is up, but this port is out of reach. `later`:
 * the peer may not be up yet. `unknowable`: probing again would reveal nothing.
 */
export type Verdict = "open" | "blocked" | "later" | "unknowable";

interface Evidence {
  /** One peer's answers in the same round. */
  answers: ReadonlyMap<Probe, Answer>;
  /** Whether ARP has found the peer. Undefined behind a router. */
  isResolved: boolean | undefined;
}

/** Judges each probe of one peer by what the others reveal about it. Pure. */
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
 * Judges a UDP port without an answer: a program that listens need not answer. While the peer's kubelet does not run,
 * neither does its network plugin. No program listens then, and the peer's kernel would say so.
 */
function judgeSilentUdp({ kubelet }: Case["peer"]): Verdict {
  if (kubelet === "refused") return "blocked";
  return kubelet === "accepted" ? "unknowable" : "later";
}
