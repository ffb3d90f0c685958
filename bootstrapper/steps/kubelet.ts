import { openApiService } from "./api-service.ts";
import type { Session } from "../session.ts";

/** Everything that kubelet reads is in place. Asking systemd to start it does not wait for it. */
export async function startKubelet(session: Session, signal: AbortSignal): Promise<void> {
  await openApiService(session, signal);
  await session.exec(["systemctl", "start", "--no-block", "kubelet.service"], signal);
}
