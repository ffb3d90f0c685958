import type { NodeMetadata } from "#api/node-metadata.ts";
import { ports } from "../kubernetes/ports.ts";
import { splitEndpoint } from "../render/render-input.ts";

export interface Probe {
  port: number;
  protocol: "tcp" | "udp";
}

/** Another node, and the ports of it that must be within reach. */
export interface Peer {
  name: string;
  address: string;
  probes: Probe[];
}

/**
 * `accepted`: a program listens. `refused`: none does, but packets arrive. `prohibited`: a router or firewall says so.
 * `unreachable`: no such host now, or a router says so. `unknown`: this machine could not ask.
 */
export type Answer = "accepted" | "refused" | "prohibited" | "unreachable" | "silent" | "unknown";

/**
 * Returns the peers that this node must reach, and on which ports. Pure. The kubelet's port counts for every node: an
 * API server needs it for logs and exec, metrics-server from any node that it runs on. A kubelet that answers also
 * proves that its node is up.
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

/** Parses `8472/udp`. */
function toProbe(text: string): Probe {
  const [port, protocol] = text.split("/");
  return { port: Number(port), protocol: protocol === "udp" ? "udp" : "tcp" };
}

const tcp = (port: number): Probe => ({ port, protocol: "tcp" });
