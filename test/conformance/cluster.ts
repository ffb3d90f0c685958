import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { serverAddress } from "../../metadata-server/providers/nspawn/segment.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { machineNetwork } from "../lab/lab-folders.ts";
import { startLab, type Lab } from "../lab/lab.ts";

const workers = 3;
const lifetimeSeconds = 6 * 3600;

/** containerd's registry configuration (https://github.com/containerd/containerd/blob/main/docs/hosts.md). */
const hostsFile = "etc/containerd/certs.d/registry.k8s.io/hosts.toml";

export interface ConformanceCluster extends AsyncDisposable {
  nodes: string;
  kubeconfig: string;
}

/** A cluster of real machines that pull Kubernetes' images from a registry on this host. Closing it removes its machines. */
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

/** Writes the registry's address into each machine's upper layer before it starts. */
function mirrorRegistry(
  provider: MachineProvider,
  { machinesDir, port }: { machinesDir: string; port: number },
): MachineProvider {
  const url = `http://${serverAddress(machineNetwork)}:${port}`;
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
