import { createHash, randomBytes, randomInt, X509Certificate } from "node:crypto";
import type { ControlPlanePki, WorkerPki } from "#api/cluster-pki.ts";
import { createAuthorities } from "./authorities.ts";

export interface NewClusterPki {
  controlPlane: ControlPlanePki;
  worker: WorkerPki;
  /** As `kubeadm join --discovery-token-ca-cert-hash` takes it. */
  caCertHash: string;
}

/** All that the nodes of a cluster need of each other when no server makes it for them. */
export function createClusterPki(options: { now: number; lifetimeMs: number }): NewClusterPki {
  const { kubernetes, etcd, frontProxy, serviceAccount } = createAuthorities(options);
  const token = createBootstrapToken();
  const ca = { "ca.crt": kubernetes.certificate };
  const pki = {
    ...ca,
    "ca.key": kubernetes.key,
    "front-proxy-ca.crt": frontProxy.certificate,
    "front-proxy-ca.key": frontProxy.key,
    "etcd/ca.crt": etcd.certificate,
    "etcd/ca.key": etcd.key,
    "sa.key": serviceAccount.key,
    "sa.pub": serviceAccount.publicKey,
  };
  return {
    controlPlane: { role: "control-plane", token, pki },
    worker: { role: "worker", token, pki: ca },
    caCertHash: hashAuthority(kubernetes.certificate),
  };
}

/** Of an image, for what its machines are given in their user-data: 256 bits. */
export const createUserDataKey = (): string => randomBytes(32).toString("base64url");

const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
const randomLetters = (count: number) =>
  Array.from({ length: count }, () => letters[randomInt(letters.length)]).join("");
const createBootstrapToken = () => `${randomLetters(6)}.${randomLetters(16)}`;

/** SHA-256 of the public key (kubeadm's pubkeypin, RFC 7469). */
function hashAuthority(certificate: string): string {
  const publicKey = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(publicKey).digest("hex")}`;
}
