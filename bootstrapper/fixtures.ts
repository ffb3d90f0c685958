import { join } from "node:path";
import { authorityFiles } from "#api/cluster-pki.ts";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { type Credentials, pkiFiles } from "#api/credentials.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import type { ImageManifest } from "./image-manifest.ts";
import type { LaunchCredentials } from "./node-credentials.ts";

const firstName = "cp01.build126.test";
export const workerMetadata: NodeMetadata = {
  allocation: "a-bbbbbbbbbbbbbbbb",
  cluster: { id: "c-aaaaaaaaaaaaaaaa", name: "build126", kubernetesVersion: defaultKubernetesVersion },
  self: { name: "node03.build126.test", role: "worker", address: "10.77.0.14", podCidr: "10.244.3.0/24" },
  endpoint: "api.build126.test:6443",
  controlPlanes: [{ name: firstName, address: "10.77.0.11" }],
  network: { plugin: "routes", podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/12" },
  join: "certificate",
  deadlineSeconds: 180,
};
export const firstMetadata: NodeMetadata = {
  ...workerMetadata,
  allocation: "a-aaaaaaaaaaaaaaaa",
  self: { name: firstName, role: "control-plane", address: "10.77.0.11", podCidr: "10.244.0.0/24" },
  peers: [firstName, "node03.build126.test"],
};
export const furtherMetadata: NodeMetadata = {
  ...workerMetadata,
  allocation: "a-cccccccccccccccc",
  self: { name: "cp02.build126.test", role: "control-plane", address: "10.77.0.12", podCidr: "10.244.1.0/24" },
  controlPlanes: [
    { name: firstName, address: "10.77.0.11" },
    { name: "cp02.build126.test", address: "10.77.0.12" },
    { name: "cp03.build126.test", address: "10.77.0.13" },
  ],
};

/** User-data as a test platform gives it to its machines, this one for the second worker. */
export const userDataFields = {
  domainsEnv: "BASE_DOMAIN=test API_SERVER_DOMAIN=api.build126.test ETCD_DOMAIN=etcd.build126.test",
  masterAddr: "master01.build126.test master02.build126.test",
  kubenodesAddr: "node01.build126.test node02.build126.test",
  myDomain: "node02.build126.test",
  myRole: "node",
};

/** PEM in form only, with its own name inside, to see what lands where. */
export const pem = (kind: string, name: string) =>
  `-----BEGIN ${kind}-----\n${Buffer.from(name).toString("base64")}\n-----END ${kind}-----\n`;
const pair = (name: string) => ({ certificate: pem("CERTIFICATE", name), key: pem("EC PRIVATE KEY", name) });
const kubelet = { client: pair("kubelet-client"), serving: pair("kubelet-serving") };

export const workerCredentials: Credentials = {
  role: "worker",
  join: "certificate",
  allocation: workerMetadata.allocation,
  pki: { "ca.crt": pem("CERTIFICATE", "ca") },
  kubelet,
  routeAgent: pair("route-agent"),
};
export const kubeadmWorkerMetadata: NodeMetadata = { ...workerMetadata, join: "kubeadm" };
export const kubeadmWorkerCredentials: Credentials = {
  role: "worker",
  join: "kubeadm",
  allocation: workerMetadata.allocation,
  pki: { "ca.crt": pem("CERTIFICATE", "ca") },
  kubelet: { serving: kubelet.serving },
  bootstrap: pair("bootstrap"),
  routeAgent: pair("route-agent"),
};
export const firstCredentials: Credentials = {
  role: "control-plane",
  allocation: firstMetadata.allocation,
  pki: Object.fromEntries(
    pkiFiles.map((name) => [name, pem(name.endsWith(".key") ? "EC PRIVATE KEY" : "CERTIFICATE", name)]),
  ) as Record<(typeof pkiFiles)[number], string>,
  kubeconfigs: {
    admin: pair("admin"),
    "super-admin": pair("super-admin"),
    "controller-manager": pair("controller-manager"),
    scheduler: pair("scheduler"),
  },
  kubelet,
  routeAgent: pair("route-agent"),
};

/** Without a server. */
const token = "abcdef.0123456789abcdef";
export const launchFirstCredentials: LaunchCredentials = {
  role: "control-plane",
  token,
  allocation: firstMetadata.allocation,
  etcdDomain: "etcd.build126.test",
  pki: Object.fromEntries(
    authorityFiles.map((name) => [name, pem(name.endsWith(".key") ? "EC PRIVATE KEY" : "CERTIFICATE", name)]),
  ) as Record<(typeof authorityFiles)[number], string>,
};
export const launchWorkerCredentials: LaunchCredentials = {
  role: "worker",
  token,
  allocation: workerMetadata.allocation,
  pki: { "ca.crt": pem("CERTIFICATE", "ca") },
};

export const templatesFolder = join(import.meta.dirname, "../templates");

export const imageManifest: ImageManifest = {
  kubernetesVersion: defaultKubernetesVersion,
  containerImages: [
    { ref: "registry.k8s.io/pause:3.10.2" },
    { ref: `registry.k8s.io/kube-proxy:${defaultKubernetesVersion}` },
  ],
};
