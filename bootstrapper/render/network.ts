import { BootstrapError } from "../errors.ts";
import type { NodeFile } from "../files.ts";
import { type RenderInput, splitEndpoint } from "./render-input.ts";

export const routeAgentConfig = "/etc/sprout/route-agent.json";

/** Names; with network `routes` also CNI, and what the route agent knows. */
export async function networkFiles({ metadata, credentials, render }: RenderInput): Promise<NodeFile[]> {
  const { self, endpoint, controlPlanes, network } = metadata;
  const { host, port } = splitEndpoint(endpoint);
  const isControlPlane = self.role === "control-plane";
  // A control plane's kubelet talks to its own API server, whichever node the endpoint means to others.
  const endpointAddresses = isControlPlane ? [self.address] : controlPlanes.map(({ address }) => address);
  const hosts = await render("etc/hosts", {
    name: self.name,
    shortName: self.name.split(".")[0] ?? self.name,
    address: self.address,
    others: controlPlanes.filter(({ name }) => name !== self.name),
    endpoint: endpointAddresses.map((address) => ({ address, host })),
  });
  const names = [
    { path: "/etc/hosts", content: hosts, mode: 0o644 },
    { path: "/etc/hostname", content: `${self.name}\n`, mode: 0o644 },
  ];
  // Any other CNI configuration is the manifest's to write.
  if (network.plugin === "manifest") return names;
  if (credentials.routeAgent === undefined)
    throw new BootstrapError("invalid-input", "Cannot render network: the credentials lack routeAgent");
  const agent = {
    servers: endpointAddresses.map((address) => `https://${address}:${port}`),
    self: self.name,
    podSubnet: network.podSubnet,
    ca: credentials.pki["ca.crt"],
    client: credentials.routeAgent,
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
