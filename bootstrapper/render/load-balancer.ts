import type { NodeMetadata } from "#api/node-metadata.ts";
import type { NodeFile } from "../machine/files.ts";
import { isLaunchCredentials, type NodeCredentials } from "../node-credentials.ts";
import { type RenderInput, splitEndpoint } from "./render-input.ts";

/** In a folder of Debian's package haproxy. The unit `sprout-load-balancer` starts if it exists. */
export const loadBalancerConfig = "/etc/haproxy/sprout.cfg";
/** Its own copy: `kubeadm join` refuses a machine that has the cluster's authority in kubeadm's place. */
const authority = "/etc/haproxy/sprout-ca.crt";

export const loadBalancerFiles: readonly string[] = [loadBalancerConfig, authority];
/** Where the endpoint's name leads on a node with a load balancer. */
export const loadBalancerAddress = "127.0.0.1";

/**
 * Whether this node reaches the API servers through a load balancer of its own (HAProxy). A control plane calls its own
 * API server. An external endpoint is a load balancer; without a metadata server, it may be one.
 */
export const hasLoadBalancer = (
  { self, controlPlanes, hasExternalEndpoint }: Pick<NodeMetadata, "self" | "controlPlanes" | "hasExternalEndpoint">,
  credentials: NodeCredentials,
): boolean =>
  self.role === "worker" && controlPlanes.length > 1 && !hasExternalEndpoint && !isLaunchCredentials(credentials);

/** Returns HAProxy's configuration and the authority by which it knows API servers, or nothing. */
export async function renderLoadBalancer(input: RenderInput): Promise<NodeFile[]> {
  const { metadata, credentials, render } = input;
  if (!hasLoadBalancer(metadata, credentials)) return [];
  return [
    { path: loadBalancerConfig, content: await renderLoadBalancerConfig(render, metadata), mode: 0o644 },
    { path: authority, content: credentials.pki["ca.crt"] ?? "", mode: 0o644 },
  ];
}

/** Returns HAProxy's configuration with these control planes as its servers. */
export function renderLoadBalancerConfig(
  render: RenderInput["render"],
  { endpoint, controlPlanes }: Pick<NodeMetadata, "endpoint" | "controlPlanes">,
): Promise<string> {
  const { host, port } = splitEndpoint(endpoint);
  return render("haproxy/haproxy.cfg", {
    listen: { address: loadBalancerAddress, port },
    host,
    authorityFile: authority,
    servers: controlPlanes.map(({ name, address }) => ({ name, address, port })),
  });
}
