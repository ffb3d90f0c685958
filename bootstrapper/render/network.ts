import type { NodeMetadata } from "#api/node-metadata.ts";
import { hasSharedEndpoint } from "#api/shared-endpoint.ts";
import { BootstrapError } from "../errors.ts";
import type { NodeFile } from "../machine/files.ts";
import { isLaunchCredentials, type NodeCredentials } from "../node-credentials.ts";
import { kubeletClientPem } from "./kubelet.ts";
import { hasLoadBalancer, loadBalancerAddress, toLoadBalancer } from "./load-balancer.ts";
import { type RenderInput, splitEndpoint } from "./render-input.ts";

export const networkAgentConfig = "/etc/sprout/network-agent.json";

/** Whether network agents run in this cluster: for routes, or for the load balancers of workers. */
export const hasNetworkAgent = (
  { network, controlPlanes, virtualAddress }: Pick<NodeMetadata, "network" | "controlPlanes" | "virtualAddress">,
  credentials: NodeCredentials,
): boolean =>
  network.plugin === "routes" ||
  ((controlPlanes.length > 1 || virtualAddress !== undefined) && !isLaunchCredentials(credentials));

/** Returns hosts and hostname, with network `routes` also CNI, and the network agent's configuration if it has a task. */
export async function networkFiles(input: RenderInput): Promise<NodeFile[]> {
  const { metadata, credentials, render } = input;
  const { self, controlPlanes, network } = metadata;
  const isBalanced = hasLoadBalancer(metadata, credentials);
  const isControlPlane = self.role === "control-plane";
  // Without a server a worker resolves every name, because they may move.
  const isLaunched = isLaunchCredentials(credentials);
  const hosts = await render("etc/hosts", {
    name: self.name,
    shortName: self.name.split(".")[0] ?? self.name,
    address: self.address,
    others: isLaunched && !isControlPlane ? [] : controlPlanes.filter(({ name }) => name !== self.name),
    endpoint: endpointEntries(input),
  });
  const kept = isLaunched ? (input.hostsBefore ?? "") : "";
  const names = [
    { path: "/etc/hosts", content: `${hosts}${kept}`, mode: 0o644 },
    { path: "/etc/hostname", content: `${self.name}\n`, mode: 0o644 },
  ];
  // With a manifest, the manifest writes the CNI configuration.
  if (network.plugin === "manifest") return isBalanced ? [...names, agentFile(input)] : names;
  const cni = await render("cni/10-sprout.conflist", { podCidr: self.podCidr });
  return [...names, { path: "/etc/cni/net.d/10-sprout.conflist", content: cni, mode: 0o644 }, agentFile(input)];
}

/** Returns where the endpoint's name leads on this node; nothing if the node resolves it. */
function endpointEntries({ metadata, credentials }: RenderInput): { address: string; host: string }[] {
  const { self, endpoint, controlPlanes, hasExternalEndpoint, virtualAddress } = metadata;
  const { host } = splitEndpoint(endpoint);
  // A control plane's kubelet calls its own API server, wherever the endpoint leads for other nodes.
  if (self.role === "control-plane") return [{ address: self.address, host }];
  if (isLaunchCredentials(credentials) || hasExternalEndpoint) return [];
  if (virtualAddress !== undefined) return [{ address: virtualAddress, host }];
  if (hasLoadBalancer(metadata, credentials)) return [{ address: loadBalancerAddress, host }];
  return controlPlanes.map(({ address }) => ({ address, host }));
}

function agentFile(input: RenderInput): NodeFile {
  const { metadata, credentials } = input;
  const { self, endpoint, controlPlanes, network } = metadata;
  const { port } = splitEndpoint(endpoint);
  const isBalanced = hasLoadBalancer(metadata, credentials);
  const followsControlPlanes = self.role === "worker" && (isBalanced || hasSharedEndpoint(metadata));
  const asked = self.role === "control-plane" ? [self] : controlPlanes;
  const servers = asked.map(({ address }) => `https://${address}:${port}`);
  const agent = {
    // The endpoint knows control planes that came later.
    servers: followsControlPlanes ? [`https://${endpoint}`, ...servers] : servers,
    self: self.name,
    ...(network.plugin === "routes" && { podSubnet: network.podSubnet }),
    ...(isBalanced && { loadBalancer: toLoadBalancer(input) }),
    ca: credentials.pki["ca.crt"],
    ...networkAgentClient(credentials),
  };
  const content = `${JSON.stringify(agent, undefined, 2)}\n`;
  return { path: networkAgentConfig, content, mode: 0o600, secret: true };
}

/** Returns the agent's own client certificate, or the file of the kubelet's, which changes at renewal. */
function networkAgentClient(credentials: NodeCredentials) {
  if (isLaunchCredentials(credentials)) return { clientFile: kubeletClientPem };
  if (credentials.networkAgent === undefined)
    throw new BootstrapError("invalid-input", "Cannot render network: the credentials lack networkAgent");
  return { client: credentials.networkAgent };
}
