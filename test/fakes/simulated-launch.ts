import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { onTestFinished } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { createClusterPki } from "../../metadata-server/pki/cluster-pki.ts";
import { mintCredentials } from "../../metadata-server/pki/mint.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { startFakeKubernetesApi } from "./fake-kubernetes-api.ts";
import { simulatedEnvironment, writeSimulatedRoot } from "./simulated-root.ts";

const main = join(import.meta.dirname, "simulated-launch-main.ts");
/** One cluster for all simulated machines of a test file. */
export const clusterPki = createClusterPki({ now: Date.now(), lifetimeMs: 86_400_000 });

const { pki } = clusterPki.controlPlane;
const authorities = {
  kubernetes: { certificate: pki["ca.crt"], key: pki["ca.key"] },
  etcd: { certificate: pki["etcd/ca.crt"], key: pki["etcd/ca.key"] },
  frontProxy: { certificate: pki["front-proxy-ca.crt"], key: pki["front-proxy-ca.key"] },
  serviceAccount: { key: pki["sa.key"], publicKey: pki["sa.pub"] },
};

/** The files that kubeadm would create from the same authorities on a node at this address. */
function mint(name: string, address: string) {
  const now = Date.now();
  const credentials = mintCredentials(authorities, {
    role: "control-plane",
    allocation: "a-aaaaaaaaaaaaaaaa",
    name,
    address,
    endpointHost: "api.build126.test",
    serviceSubnet: "10.96.0.0/12",
    kubernetesVersion: defaultKubernetesVersion,
    withNetworkAgent: false,
    now,
    notAfter: now + 86_400_000,
  });
  if (credentials.role !== "control-plane") throw new Error("a control plane's credentials are needed");
  return credentials;
}

/** The results of kubeadm's `init` and `join` that the bootstrapper reads. */
const fakeKubeadm = `echo "$@" >> "$ROOT/kubeadm.log"
cd "$ROOT/etc/kubernetes"
case "$1 $2 $3" in
  init\\ phase*) ;;
  init*) mkdir -p manifests; touch manifests/kube-controller-manager.yaml manifests/kube-scheduler.yaml
    [ -e admin.conf ] || cp "$ROOT/made.conf" admin.conf
    [ -e kubelet.conf ] || cp "$ROOT/made.conf" kubelet.conf;;
  join*) mkdir -p pki "$ROOT/var/lib/kubelet/pki"; touch pki/ca.crt
    cp "$ROOT/made.pem" "$ROOT/var/lib/kubelet/pki/kubelet-client-current.pem"
    echo "client-certificate: /var/lib/kubelet/pki/kubelet-client-current.pem" > kubelet.conf;;
esac`;

export interface SimulatedLaunchOptions {
  userData: object | string;
  /** The address of the first control plane, on which a fake API server listens. */
  address: string;
  name: string;
  clusterPki?: object;
  contactTimeoutMs?: number;
  /** Names that do not resolve. */
  unknown?: string[];
}

/** A simulated machine without a server: the real bootstrapper, fake programs, its user-data in a file. */
export async function simulateLaunch(options: SimulatedLaunchOptions) {
  const { address, name, contactTimeoutMs = 20_000, unknown = [] } = options;
  const root = await temporaryFolder("launched");
  const made = mint(name, address);
  const kubernetes = await startFakeKubernetesApi(
    { certificate: made.pki["apiserver.crt"], key: made.pki["apiserver.key"] },
    { host: address, port: 6443, runsPods: true },
  );
  onTestFinished(() => kubernetes.close());
  await writeSimulatedRoot(root, { mac: "52:54:00:12:34:56", seed: {} });
  await rm(join(root, "etc/sprout/seed.json"));
  const write = async (path: string, text: string, mode = 0o600) => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text, { mode });
  };
  const { userData } = options;
  await write("etc/sprout/user-data.json", typeof userData === "string" ? userData : JSON.stringify(userData));
  if (options.clusterPki !== undefined) await write("etc/sprout/cluster-pki.json", JSON.stringify(options.clusterPki));
  await rm(join(root, "bin/kubeadm"));
  await write(
    "bin/kubeadm",
    `#!/bin/sh\nROOT=${root}\n[ ! -e "$ROOT/kubeadm-fault" ] || . "$ROOT/kubeadm-fault"\n${fakeKubeadm}\n`,
    0o755,
  );
  const { certificate, key } = made.kubelet.client;
  const [certificateData, keyData] = [certificate, key].map((pem) => Buffer.from(pem).toString("base64"));
  await write("made.conf", `    client-certificate-data: ${certificateData}\n    client-key-data: ${keyData}\n`);
  await write("made.pem", `${certificate}${key}`);
  const domains = ["master01.build126.test", "api.build126.test", "etcd.build126.test", name];
  const names = domains.filter((domain) => !unknown.includes(domain)).map((domain) => `${domain}=${address}`);
  return {
    root,
    kubernetes,
    write,
    run: async () => {
      const { exitCode, stdout, stderr } = await execa(
        process.execPath,
        [main, root, String(contactTimeoutMs), address, ...names],
        { env: simulatedEnvironment(root), extendEnv: false, reject: false },
      );
      return { exitCode, stdout, error: stderr };
    },
  };
}
