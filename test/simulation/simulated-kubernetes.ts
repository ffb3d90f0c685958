import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { MachineSpec } from "../../metadata-server/providers/provider.ts";
import { type FakeKubernetesApi, startFakeKubernetesApi } from "../fakes/fake-kubernetes-api.ts";

/** The fake API server and the fake kubelets of one simulated cluster. */
export interface SimulatedKubernetes {
  /**
   * Called while a kubelet runs: the first control plane's kubelet starts the API server; from then on each creates its
   * Node and a probe pod. Later calls change nothing.
   */
  keepKubelet(machine: { spec: MachineSpec; root: string; first: boolean }): Promise<void>;
  /** Names of the nodes that have joined. */
  nodes(): string[];
  /** Ends the API server. */
  close(): Promise<void>;
}

const apiPort = 6443;

export function createSimulatedKubernetes(): SimulatedKubernetes {
  let api: FakeKubernetesApi | undefined;

  return {
    async keepKubelet({ spec: { name, address }, root, first }) {
      const host = address ?? "";
      if (first) api ??= await startApi(root, host);
      if (api === undefined || api.nodes.has(name)) return;
      api.addNode(name, { address: host, ready: true });
    },
    nodes: () => [...(api?.nodes.keys() ?? [])],
    async close() {
      await api?.close();
    },
  };
}

async function startApi(root: string, host: string): Promise<FakeKubernetesApi> {
  const pki = (file: string) => readFile(join(root, "etc/kubernetes/pki", file), "utf8");
  const [certificate, key] = await Promise.all([pki("apiserver.crt"), pki("apiserver.key")]);
  return startFakeKubernetesApi({ certificate, key }, { host, port: apiPort, runsPods: true });
}
