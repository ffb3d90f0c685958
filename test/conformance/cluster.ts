import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serverAddress } from "../../metadata-server/providers/nspawn/segment.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { networkPrefix } from "../lab/lab-folders.ts";
import { startLab, type Lab } from "../lab/lab.ts";

const workers = 3;
const lifetimeSeconds = 6 * 3600;

/** What containerd reads before it pulls (https://github.com/containerd/containerd/blob/main/docs/hosts.md). */
const hostsFile = "etc/containerd/certs.d/registry.k8s.io/hosts.toml";

export interface ConformanceCluster extends AsyncDisposable {
  nodes: string;
  kubeconfig: string;
}

/** A cluster of real machines that pull Kubernetes' images from a registry on this host. Ends with its machines. */
export async function bringUpCluster(
  kubernetesVersion: string,
  { registryPort }: { registryPort: number },
): Promise<ConformanceCluster> {
  const lab = await startLab((provider, { dataDir }) =>
    mirrorRegistry(provider, { machinesDir: join(dataDir, "machines"), port: registryPort }),
  );
  const close = () => lab.close();
  try {
    return {
      nodes: `1 + ${workers}`,
      kubeconfig: await createCluster(lab, kubernetesVersion),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function createCluster({ client }: Lab, kubernetesVersion: string): Promise<string> {
  const { id } = await client.create({
    name: "conformance",
    kubernetesVersion,
    controlPlanes: 1,
    workers,
    provider: "nspawn",
    ttlSeconds: lifetimeSeconds,
  });
  const cluster = await client.wait(id, { condition: "available", timeoutMs: 300_000 });
  if (cluster.availableAt === null)
    throw new Error(`Cannot test the cluster: it is not available; ${cluster.failure?.message ?? cluster.state}`);
  return client.kubeconfig(id, { ttlSeconds: lifetimeSeconds });
}

/** The registry's place goes into each machine's own side of its root before it starts. */
function mirrorRegistry(
  provider: MachineProvider,
  { machinesDir, port }: { machinesDir: string; port: number },
): MachineProvider {
  const url = `http://${serverAddress(networkPrefix)}:${port}`;
  return {
    ...provider,
    async launch(spec, signal) {
      const file = join(machinesDir, spec.allocation, "upper", hostsFile);
      await mkdir(join(file, ".."), { recursive: true });
      await writeFile(file, `server = "${url}"\n`);
      return provider.launch(spec, signal);
    },
  };
}
