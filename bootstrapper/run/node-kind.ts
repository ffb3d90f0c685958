import type { NodeMetadata } from "#api/node-metadata.ts";

/** Only the first control plane proves the cluster. */
export type NodeKind = "first-control-plane" | "control-plane" | "worker";

export function toNodeKind({ self, peers }: NodeMetadata): NodeKind {
  if (self.role === "worker") return "worker";
  return peers === undefined ? "control-plane" : "first-control-plane";
}
