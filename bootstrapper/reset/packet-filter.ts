import type { NodeMetadata } from "#api/node-metadata.ts";

/** Chains of Kubernetes and of CNI plugins; `sprout` is the name of our own CNI network. */
const foreignChain = /^:(KUBE-|CNI-)|(^-A|-j|-g) (KUBE-|CNI-)/;

/**
 * `iptables-save` without what a node and its pods added: chains of Kubernetes and CNI plugins, every rule in or to one
 * of them, and the rules of the bootstrapper, which start with its own pods. Everything else stays, in order.
 */
export function withoutNodeRules(saved: string, metadata: Pick<NodeMetadata, "self" | "network"> | undefined): string {
  const sources = metadata === undefined ? [] : [metadata.self.podCidr, metadata.network.podSubnet];
  const isOwn = (line: string) =>
    /^-A (POSTROUTING|FORWARD|PREROUTING) /.test(line) && sources.some((source) => line.includes(` -s ${source} `));
  return saved
    .split("\n")
    .filter((line) => !foreignChain.test(line) && !isOwn(line))
    .join("\n");
}
