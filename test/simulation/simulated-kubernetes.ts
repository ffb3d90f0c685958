import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { join } from "node:path";
import type { MachineSpec } from "../../metadata-server/providers/provider.ts";
import { type FakeKubernetesApi, startFakeKubernetesApi } from "../fakes/fake-kubernetes-api.ts";

/** The fake API server and the fake kubelets of one simulated cluster. */
export interface SimulatedKubernetes {
  /**
   * A kubelet runs: the first control plane's brings the API server, and from then on every one its own Node and a
   * probe pod. Nothing more where they are there.
   */
  keepKubelet(machine: { spec: MachineSpec; root: string; first: boolean }): Promise<void>;
  close(): Promise<void>;
}

const apiPort = 6443;
const probePort = 8080;

export function createSimulatedKubernetes(): SimulatedKubernetes {
  let api: FakeKubernetesApi | undefined;
  const probes = new Map<string, Server>();

  return {
    async keepKubelet({ spec: { name, address }, root, first }) {
      const host = address ?? "";
      if (first) api ??= await startApi(root, host);
      if (api === undefined || probes.has(name)) return;
      const probe = createServer((_, response) => response.end("resolved"));
      probes.set(name, probe);
      probe.listen(probePort, host);
      await once(probe, "listening");
      api.addNode(name, { address: host, ready: true });
    },
    async close() {
      for (const probe of probes.values()) probe.close().closeAllConnections();
      await api?.close();
    },
  };
}

async function startApi(root: string, host: string): Promise<FakeKubernetesApi> {
  const pki = (file: string) => readFile(join(root, "etc/kubernetes/pki", file), "utf8");
  const [certificate, key] = await Promise.all([pki("apiserver.crt"), pki("apiserver.key")]);
  return startFakeKubernetesApi({ certificate, key }, { host, port: apiPort, runsPods: true });
}
