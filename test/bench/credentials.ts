import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { exists } from "#lib/files.ts";
import { createAuthorities } from "../../metadata-server/pki/authorities.ts";
import { dayMs } from "../../metadata-server/pki/certificate.ts";
import { mintCredentials } from "../../metadata-server/pki/mint.ts";
import { createDataKey, sealSecret } from "../../metadata-server/pki/sealing.ts";
import { cachedKubeadm } from "../fixtures/cached-kubeadm.ts";
import { median } from "./median.ts";

const controlPlanes = 3;
const workers = 1000;
const rounds = 3;
const opensslCertificates = 20;
const clusterId = "c-aaaaaaaaaaaaaaaa";
const serviceSubnet = "10.96.0.0/12";

interface KubeadmBench {
  controlPlanes: number;
  certificates: number;
  seconds: number;
  certificateMs: number;
}

export interface CredentialsBench {
  /** Three authorities, every node's credentials, their JSON, sealed. Median of the rounds. */
  sprout: { controlPlanes: number; workers: number; certificates: number; seconds: number; certificateMs: number };
  /** `kubeadm init phase certs all` into an empty folder, with its default RSA; null without kubeadm. */
  kubeadm: KubeadmBench | null;
  /** The same with `encryptionAlgorithm: ECDSA-P256`: no RSA on either side. */
  kubeadmP256: KubeadmBench | null;
  /** `openssl req` and `openssl x509 -req`, P-256, one node's certificate at a time. */
  openssl: { certificates: number; certificateMs: number };
  goalSeconds: number;
}

/** Credentials for 3 control planes and 1,000 workers, compared with kubeadm and openssl on the same machine in the same run. */
export async function benchCredentials(): Promise<CredentialsBench> {
  const directory = await mkdtemp(join(tmpdir(), "sprout-bench-credentials-"));
  try {
    const times: Record<"sprout" | "kubeadm" | "kubeadmP256" | "openssl", number[]> = {
      sprout: [],
      kubeadm: [],
      kubeadmP256: [],
      openssl: [],
    };
    const kubeadm = await findKubeadm();
    let certificates = 0;
    // In turns, so that a slow moment of the host hits all three.
    for (let round = 0; round < rounds; round += 1) {
      times.sprout.push(await seconds(() => (certificates = mintAll())));
      for (const kind of kubeadm === null ? [] : (["kubeadm", "kubeadmP256"] as const))
        times[kind].push(
          await runKubeadm(kubeadm!, { directory: join(directory, `${kind}-${round}`), p256: kind === "kubeadmP256" }),
        );
      times.openssl.push(await runOpenssl(join(directory, `openssl-${round}`)));
    }
    const sprout = median(times.sprout);
    return {
      sprout: { controlPlanes, workers, certificates, seconds: sprout, certificateMs: (sprout * 1000) / certificates },
      kubeadm: kubeadm === null ? null : toKubeadmBench(times.kubeadm),
      kubeadmP256: kubeadm === null ? null : toKubeadmBench(times.kubeadmP256),
      openssl: {
        certificates: opensslCertificates,
        certificateMs: (median(times.openssl) * 1000) / opensslCertificates,
      },
      goalSeconds: 1,
    };
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Returns the number of certificates. */
function mintAll(): number {
  const now = Date.now();
  const authorities = createAuthorities({ now, lifetimeMs: 3650 * dayMs });
  const { key } = createDataKey([Buffer.alloc(32, 1)], clusterId);
  let certificates = 3;
  for (let index = 0; index < controlPlanes + workers; index += 1) {
    const role = index < controlPlanes ? "control-plane" : "worker";
    const name = `${role === "worker" ? "node" : "cp"}${String(index).padStart(4, "0")}.bench.test`;
    const credentials = mintCredentials(authorities, {
      role,
      allocation: "a-aaaaaaaaaaaaaaaa",
      name,
      address: `10.77.${index >> 8}.${index & 255}`,
      endpointHost: "api.bench.test",
      serviceSubnet,
      kubernetesVersion: defaultKubernetesVersion,
      withNetworkAgent: true,
      now,
      notAfter: now + 365 * dayMs,
    });
    const plaintext = Buffer.from(JSON.stringify(credentials));
    sealSecret(key, plaintext, { clusterId, member: name, capabilityHash: "bench", epoch: 1 });
    certificates += role === "worker" ? 3 : 14;
  }
  return certificates;
}

async function findKubeadm(): Promise<string | null> {
  return (await exists(cachedKubeadm)) ? cachedKubeadm : null;
}

function toKubeadmBench(times: number[]): KubeadmBench {
  const certificates = 10;
  const middle = median(times);
  return { controlPlanes: 1, certificates, seconds: middle, certificateMs: (middle * 1000) / certificates };
}

async function runKubeadm(kubeadm: string, { directory, p256 }: { directory: string; p256: boolean }): Promise<number> {
  await mkdir(directory);
  const config = join(directory, "kubeadm.yaml");
  await writeFile(
    config,
    `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 10.77.0.0}
nodeRegistration: {name: cp0000.bench.test, criSocket: unix:///run/containerd/containerd.sock}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: ${defaultKubernetesVersion}
certificatesDir: ${join(directory, "pki")}
controlPlaneEndpoint: api.bench.test:6443
networking: {serviceSubnet: ${serviceSubnet}}
encryptionAlgorithm: ${p256 ? "ECDSA-P256" : "RSA-2048"}
`,
  );
  return seconds(() => execa(kubeadm, ["init", "phase", "certs", "all", "--config", config]));
}

async function runOpenssl(directory: string): Promise<number> {
  await mkdir(directory);
  const openssl = (...options: string[]) => execa("openssl", options, { cwd: directory });
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const authority = ["-x509", "-days", "365", "-subj", "/CN=kubernetes", "-keyout", "ca.key", "-out", "ca.crt"];
  await openssl("req", ...newKey, ...authority);
  await writeFile(
    join(directory, "extensions"),
    "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:node.bench.test,IP:10.77.0.1\n",
  );
  return seconds(async () => {
    for (let index = 0; index < opensslCertificates; index += 1) {
      const subject = `/O=system:nodes/CN=system:node:node${index}.bench.test`;
      await openssl("req", ...newKey, "-subj", subject, "-keyout", `${index}.key`, "-out", `${index}.csr`);
      const issuer = ["-CA", "ca.crt", "-CAkey", "ca.key", "-days", "30", "-extfile", "extensions"];
      await openssl("x509", "-req", "-in", `${index}.csr`, ...issuer, "-out", `${index}.crt`);
    }
  });
}

async function seconds(work: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await work();
  return (performance.now() - startedAt) / 1000;
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(await benchCredentials(), null, 2)}\n`);
