import { apiServiceAddress } from "../render/service-addresses.ts";
import { splitEndpoint } from "../render/render-input.ts";
import type { Session } from "../session.ts";
import { ensureRule } from "./packet-filter.ts";

/**
 * The Service `kubernetes.default` leads to an API server from before the first pod on. kube-proxy's rules, which come
 * first once they are there, come too late for pods that start beside it: the first packet of a client goes nowhere, and it
 * backs off for up to half a minute.
 */
export async function openApiService(
  { metadata, exec }: Pick<Session, "metadata" | "exec">,
  signal: AbortSignal,
): Promise<void> {
  const { self, controlPlanes, endpoint, network } = metadata;
  const address = self.role === "control-plane" ? self.address : controlPlanes[0]?.address;
  const service = ["-d", `${apiServiceAddress(network.serviceSubnet)}/32`, "-p", "tcp", "--dport", "443"];
  const target = ["-j", "DNAT", "--to-destination", `${address}:${splitEndpoint(endpoint).port}`];
  for (const chain of ["PREROUTING", "OUTPUT"])
    await ensureRule({ exec }, { table: "nat", rule: [chain, ...service, ...target], place: "last" }, signal);
}
