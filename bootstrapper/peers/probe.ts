import type { NodeMetadata } from "#api/node-metadata.ts";
import { ports } from "../kubernetes/ports.ts";
import { splitEndpoint } from "../render/render-input.ts";

export interface Probe {
  port: number;
  protocol: "tcp" | "udp";
}

/** Another node, and what of it must be within reach. */
export interface Peer {
  name: string;
  address: string;
  probes: Probe[];
}

/**
 * `accepted`: somebody listens. `refused`: nobody does, but packets arrive. `prohibited`: something on the way says so.
 * `unreachable`: no such host, now, or something on the way says so. `unknown`: this machine could not ask.
 */
export type Answer = "accepted" | "refused" | "prohibited" | "unreachable" | "silent" | "unknown";

/**
 * Whom this node must reach, and on which ports. Pure. The kubelet's is asked of every node: an API server wants it for
 * logs and exec, metrics-server from whichever node it runs on; and where it answers at all, so does the node.
 */
export function planPeers({ self, controlPlanes, neighbours = [], endpoint, network }: NodeMetadata): Peer[] {
  const kubelet = tcp(ports.kubelet);
  const apiServer = tcp(splitEndpoint(endpoint).port);
  const etcd = self.role === "control-plane" ? [tcp(ports.etcdClient), tcp(ports.etcdPeer)] : [];
  const plugin = network.plugin === "manifest" ? (network.ports ?? []).map(toProbe) : [];
  return [
    ...controlPlanes.map((peer) => ({ ...peer, probes: [apiServer, ...etcd, kubelet, ...plugin] })),
    ...neighbours.map((peer) => ({ ...peer, probes: [kubelet, ...plugin] })),
  ].filter(({ name }) => name !== self.name);
}

/** Of `8472/udp`. */
function toProbe(text: string): Probe {
  const [port, protocol] = text.split("/");
  return { port: Number(port), protocol: protocol === "udp" ? "udp" : "tcp" };
}

const tcp = (port: number): Probe => ({ port, protocol: "tcp" });
