import type { NodeMetadata } from "#api/node-metadata.ts";
import type { Blocked } from "./find-blocked.ts";
import type { Answer } from "./probe.ts";

const maxPairs = 8;

/** Each pair with both ends, the port, why, and how to fix it. */
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
  prohibited: "it is prohibited on the way",
  unreachable: "something on the way says that there is no way",
};
