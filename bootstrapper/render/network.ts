import { BootstrapError } from "../errors.ts";
import type { NodeFile } from "../machine/files.ts";
import { isLaunchCredentials, type NodeCredentials } from "../node-credentials.ts";
import { kubeletClientPem } from "./kubelet.ts";
import { hasLoadBalancer, loadBalancerAddress } from "./load-balancer.ts";
import { type RenderInput, splitEndpoint } from "./render-input.ts";

export const routeAgentConfig = "/etc/sprout/route-agent.json";

/** Returns hosts and hostname. With network `routes` also CNI and the route agent's configuration. */
export async function networkFiles(input: RenderInput): Promise<NodeFile[]> {
  const { metadata, credentials, render } = input;
  const { self, endpoint, controlPlanes, network } = metadata;
  const { host, port } = splitEndpoint(endpoint);
  const isControlPlane = self.role === "control-plane";
  // A control plane's kubelet calls its own API server, wherever the endpoint leads for other nodes.
  const apiServers = isControlPlane ? [self.address] : controlPlanes.map(({ address }) => address);
  const endpointAddresses = hasLoadBalancer(metadata, credentials) ? [loadBalancerAddress] : apiServers;
  // Without a server a worker uses its resolver: the endpoint may be a load balancer, and names may move.
  const isResolving = isLaunchCredentials(credentials) && !isControlPlane;
  const hosts = await render("etc/hosts", {
    name: self.name,
    shortName: self.name.split(".")[0] ?? self.name,
    address: self.address,
    others: isResolving ? [] : controlPlanes.filter(({ name }) => name !== self.name),
    endpoint: isResolving ? [] : endpointAddresses.map((address) => ({ address, host })),
  });
  const kept = isLaunchCredentials(credentials) ? (input.hostsBefore ?? "") : "";
  const names = [
    { path: "/etc/hosts", content: `${hosts}${kept}`, mode: 0o644 },
    { path: "/etc/hostname", content: `${self.name}\n`, mode: 0o644 },
  ];
  // With a manifest, the manifest writes the CNI configuration.
  if (network.plugin === "manifest") return names;
  const agent = {
    servers: apiServers.map((address) => `https://${address}:${port}`),
    self: self.name,
    podSubnet: network.podSubnet,
    ca: credentials.pki["ca.crt"],
    ...routeAgentClient(credentials),
  };
  return [
    ...names,
    {
      path: "/etc/cni/net.d/10-sprout.conflist",
      content: await render("cni/10-sprout.conflist", { podCidr: self.podCidr }),
      mode: 0o644,
    },
    { path: routeAgentConfig, content: `${JSON.stringify(agent, undefined, 2)}\n`, mode: 0o600, secret: true },
  ];
}

/** Returns the agent's own client certificate, or the file of the kubelet's, which changes at renewal. */
function routeAgentClient(credentials: NodeCredentials) {
  if (isLaunchCredentials(credentials)) return { clientFile: kubeletClientPem };
  if (credentials.routeAgent === undefined)
    throw new BootstrapError("invalid-input", "Cannot render network: the credentials lack routeAgent");
  return { client: credentials.routeAgent };
}
