import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { poll } from "../poll.ts";

interface Deployment {
  status?: { availableReplicas?: number };
}

const coredns = "/apis/apps/v1/namespaces/kube-system/deployments/coredns";
const intervalMs = 200;

/** One replica answers the cluster; the second is only there for when it fails. */
export async function waitForClusterDns(api: Pick<KubernetesApi, "get">, signal: AbortSignal): Promise<void> {
  const ask = async () => {
    const deployment = await api.get<Deployment>(coredns, signal);
    if ((deployment?.status?.availableReplicas ?? 0) === 0) throw new Error("no replica of coredns is available");
    return true;
  };
  await poll(ask, { signal, intervalMs, failure: { code: "kubernetes", message: "Cannot get cluster DNS" } });
}
