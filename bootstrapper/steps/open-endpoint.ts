import { loadBalancerUnit, virtualAddressUnit } from "../render/load-balancer.ts";
import type { NodeContext } from "./node-context.ts";
import { openApiService } from "./api-service.ts";

/** Opens this node's ways to the API servers, before anything uses them: for its kubelet, and for its pods. */
export async function openEndpoint(context: NodeContext, signal: AbortSignal): Promise<void> {
  const { self, controlPlanes, virtualAddress } = context.metadata;
  // systemd skips what was not rendered: without a server, and with an external endpoint.
  if (self.role === "worker" && controlPlanes.length > 1)
    await context.exec(["systemctl", "start", loadBalancerUnit], signal);
  if (self.role === "control-plane" && virtualAddress !== undefined)
    await context.exec(["systemctl", "start", loadBalancerUnit, virtualAddressUnit], signal);
  await openApiService(context, signal);
}
