import type { NodeContext } from "./node-context.ts";
import { openApiService } from "./api-service.ts";

/** Opens this node's ways to the API servers, before anything uses them: for its kubelet, and for its pods. */
export async function openEndpoint(context: NodeContext, signal: AbortSignal): Promise<void> {
  const { self, controlPlanes } = context.metadata;
  // systemd skips it where none was rendered: without a server.
  if (self.role === "worker" && controlPlanes.length > 1)
    await context.exec(["systemctl", "start", "sprout-load-balancer.service"], signal);
  await openApiService(context, signal);
}
