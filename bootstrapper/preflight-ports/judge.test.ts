import { describe, expect, it } from "vitest";
import { judge, type Verdict } from "./judge.ts";
import type { Answer, Probe } from "./probe.ts";

const api: Probe = { port: 6443, protocol: "tcp" };
const kubelet: Probe = { port: 10_250, protocol: "tcp" };
const vxlan: Probe = { port: 8472, protocol: "udp" };

describe("judge", () => {
  it.each<[what: string, answer: Answer, kubelet: Answer, isResolved: boolean | undefined, verdict: Verdict]>([
    ["a port that listens", "accepted", "silent", undefined, "open"],
    ["a port without a listener yet", "refused", "silent", undefined, "open"],
    ["a port that a firewall in between prohibits", "prohibited", "unknown", false, "blocked"],
    ["silence of a peer that answers elsewhere", "silent", "refused", undefined, "blocked"],
    ["silence of a peer that ARP finds", "silent", "silent", true, "blocked"],
    ["silence of a peer that ARP does not find", "silent", "silent", false, "later"],
    ["silence behind a router", "silent", "silent", undefined, "later"],
    ["no route to a peer that answers elsewhere", "unreachable", "refused", undefined, "blocked"],
    ["no route to a peer that ARP does not find", "unreachable", "unreachable", false, "later"],
    ["a probe that could not be sent", "unknown", "accepted", true, "later"],
  ])("judges %s", (_, answer, kubeletAnswer, isResolved, verdict) => {
    const answers = new Map([
      [api, answer],
      [kubelet, kubeletAnswer],
    ]);
    expect(judge({ answers, isResolved }).get(api)).toBe(verdict);
  });

  it.each<[kubelet: Answer, Verdict, why: string]>([
    ["refused", "blocked", "without a kubelet no plugin runs, and so no program listens"],
    ["accepted", "unknowable", "the plugin may listen"],
    ["silent", "later", "the peer may not be up"],
  ])("judges silence on UDP, if the kubelet's port is %s, as %s: %s", (kubeletAnswer, verdict) => {
    const answers = new Map<Probe, Answer>([
      [vxlan, "silent"],
      [kubelet, kubeletAnswer],
    ]);
    expect(judge({ answers, isResolved: true }).get(vxlan)).toBe(verdict);
  });
});
