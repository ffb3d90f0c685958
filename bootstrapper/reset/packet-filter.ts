import type { NodeMetadata } from "#api/node-metadata.ts";
import { apiServiceAddress, parseSubnet } from "#lib/subnet.ts";

/** Chains of Kubernetes and of CNI plugins; `sprout` is the name of Sprout's CNI network. */
const foreignChain = /^:(KUBE-|CNI-)|(^-A|-j|-g) (KUBE-|CNI-)/;

/**
 * Returns the output of `iptables-save` without what a node and its pods added: chains of Kubernetes and CNI plugins,
 * every rule in or to one of them, and the bootstrapper's rules about its pods and the API server's Service. Everything
 * else stays, in order.
 */
export function withoutNodeRules(saved: string, metadata: Pick<NodeMetadata, "self" | "network"> | undefined): string {
  const own = metadata === undefined ? [] : ownRules(metadata);
  return saved
    .split("\n")
    .filter((line) => !foreignChain.test(line) && !own.some((start) => line.startsWith(start)))
    .join("\n");
}

/** Returns how the bootstrapper's own rules begin. */
function ownRules({ self, network }: Pick<NodeMetadata, "self" | "network">): string[] {
  const sources = [self.podCidr, network.podSubnet];
  const apiService = `-d ${apiServiceAddress(parseSubnet(network.serviceSubnet))}/32 -p tcp -m tcp --dport 443 -j DNAT`;
  return [
    ...["POSTROUTING", "FORWARD", "PREROUTING"].flatMap((chain) =>
      sources.map((source) => `-A ${chain} -s ${source} `),
    ),
    ...["PREROUTING", "OUTPUT"].map((chain) => `-A ${chain} ${apiService} `),
  ];
}
