import type { NodeMetadata } from "#api/node-metadata.ts";
import type { Blocked } from "./find-blocked.ts";
import type { Answer } from "./probe.ts";

const maxPairs = 8;

/** Describes each blocked pair: both ends, the port, why, and how to fix it. */
export function describeBlocked(
  blocked: readonly Blocked[],
  { self, silentMs }: { self: NodeMetadata["self"]; silentMs: number },
): string {
  const pairs = blocked.slice(0, maxPairs).map(({ peer, probe: { port, protocol }, answer }) => {
    const reason = answer === "silent" ? `no answer in ${silentMs / 1000} s` : reasons[answer];
    return `${self.name} ${self.address} cannot reach ${peer.name} ${peer.address} port ${port}/${protocol}: ${reason}; open it in the firewall or security group`;
  });
  const hidden = blocked.length - pairs.length;
  return [...pairs, ...(hidden > 0 ? [`and ${hidden} more`] : [])].join(" | ");
}

const reasons: Partial<Record<Answer, string>> = {
  prohibited: "a router or firewall in between prohibits it",
  unreachable: "a router or firewall in between reports that there is no route",
};
