import { apiServiceAddress, parseSubnet } from "#lib/subnet.ts";
import { splitEndpoint } from "../render/render-input.ts";
import type { NodeContext } from "./node-context.ts";
import { ensureRule } from "./packet-filter.ts";

/**
 * Leads the Service `kubernetes.default` to an API server before the first pod starts. kube-proxy's rules take
 * precedence once they exist, but they come too late for pods that start in parallel with it. A client whose first
 * packet is lost backs off for up to half a minute.
 */
export async function openApiService(
  { metadata, exec }: Pick<NodeContext, "metadata" | "exec">,
  signal: AbortSignal,
): Promise<void> {
  const { self, controlPlanes, endpoint, network } = metadata;
  const address = self.role === "control-plane" ? self.address : controlPlanes[0]?.address;
  const service = ["-d", `${apiServiceAddress(parseSubnet(network.serviceSubnet))}/32`, "-p", "tcp", "--dport", "443"];
  const target = ["-j", "DNAT", "--to-destination", `${address}:${splitEndpoint(endpoint).port}`];
  for (const chain of ["PREROUTING", "OUTPUT"])
    await ensureRule({ exec }, { table: "nat", rule: [chain, ...service, ...target], place: "last" }, signal);
}
