import type { NodeMetadata } from "#api/node-metadata.ts";
import type { NodeFile } from "../machine/files.ts";
import { isLaunchCredentials, type NodeCredentials } from "../node-credentials.ts";
import { type RenderInput, splitEndpoint } from "./render-input.ts";

export const loadBalancerUnit = "sprout-load-balancer.service";
export const virtualAddressUnit = "sprout-virtual-address.service";
/** In a folder of Debian's package haproxy. The unit starts if it exists. */
const configuration = "/etc/haproxy/sprout.cfg";
/** Its own copy: `kubeadm join` refuses a machine that has the cluster's authority in kubeadm's place. */
const authority = "/etc/haproxy/sprout-ca.crt";
/** In a folder of Debian's package keepalived. The unit starts if it exists. */
const virtualAddressConfiguration = "/etc/keepalived/sprout.conf";

export const loadBalancerFiles: readonly string[] = [configuration, authority, virtualAddressConfiguration];
/** Where the endpoint's name leads on a worker with a load balancer. */
export const loadBalancerAddress = "127.0.0.1";

type Topology = Pick<NodeMetadata, "self" | "controlPlanes" | "hasExternalEndpoint" | "virtualAddress">;

/**
 * Whether this node has a load balancer for the API servers (HAProxy). Without a virtual address it is a worker's own:
 * a control plane calls its own API server. With one, every control plane has it for all others. An external endpoint
 * is a load balancer; without a metadata server, it may be one.
 */
export function hasLoadBalancer(
  { self, controlPlanes, hasExternalEndpoint, virtualAddress }: Topology,
  credentials: NodeCredentials,
): boolean {
  if (isLaunchCredentials(credentials)) return false;
  if (virtualAddress !== undefined) return self.role === "control-plane";
  return self.role === "worker" && controlPlanes.length > 1 && !hasExternalEndpoint;
}

/** What the load balancer's configuration is made of. */
export interface LoadBalancer extends Pick<NodeMetadata, "endpoint" | "controlPlanes"> {
  /** Only on a control plane that shares a virtual address. */
  shared?: { virtualAddress: string; name: string; address: string; networkCard: string } | undefined;
}

/** Returns what the load balancer of this node is made of. */
export function toLoadBalancer({ metadata, networkCard }: Pick<RenderInput, "metadata" | "networkCard">): LoadBalancer {
  const { self, endpoint, controlPlanes, virtualAddress } = metadata;
  const { name, address } = self;
  return {
    endpoint,
    controlPlanes,
    ...(virtualAddress !== undefined && { shared: { virtualAddress, name, address, networkCard } }),
  };
}

/** Returns the configuration of HAProxy and Keepalived, and the authority by which HAProxy knows API servers. */
export async function renderLoadBalancer(input: RenderInput): Promise<NodeFile[]> {
  const { metadata, credentials, render } = input;
  if (!hasLoadBalancer(metadata, credentials)) return [];
  const files = await renderLoadBalancerConfig(render, toLoadBalancer(input));
  return [...files, { path: authority, content: credentials.pki["ca.crt"] ?? "", mode: 0o644 }];
}

/** The configuration of one of the load balancer's programs. */
interface LoadBalancerFile extends NodeFile {
  /** Reads it. */
  unit: string;
}

/** Returns the files that change with the control planes. */
export async function renderLoadBalancerConfig(
  render: RenderInput["render"],
  { endpoint, controlPlanes, shared }: LoadBalancer,
): Promise<LoadBalancerFile[]> {
  const { host, port } = splitEndpoint(endpoint);
  const listen = shared?.virtualAddress ?? loadBalancerAddress;
  const haproxy = await render("haproxy/haproxy.cfg", {
    listen: { address: listen, port, isVirtual: shared !== undefined },
    host,
    authorityFile: authority,
    servers: controlPlanes.map(({ name, address }) => ({ name, address, port })),
  });
  const files = [{ path: configuration, content: haproxy, mode: 0o644, unit: loadBalancerUnit }];
  if (shared === undefined) return files;
  const keepalived = await render("keepalived/keepalived.conf", {
    ...shared,
    routerId: Number(shared.virtualAddress.split(".")[3]) || 1,
    peers: controlPlanes.filter(({ name }) => name !== shared.name).map(({ address }) => ({ address })),
  });
  // keepalived refuses scripts if others may write its configuration.
  const file = { path: virtualAddressConfiguration, content: keepalived, mode: 0o600, unit: virtualAddressUnit };
  return [...files, file];
}
