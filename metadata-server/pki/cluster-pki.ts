import { createHash, randomBytes, randomInt, X509Certificate } from "node:crypto";
import type { ControlPlanePki, WorkerPki } from "#api/cluster-pki.ts";
import { createAuthorities } from "./authorities.ts";

export interface NewClusterPki {
  controlPlane: ControlPlanePki;
  worker: WorkerPki;
  /** In the form of `kubeadm join --discovery-token-ca-cert-hash`. */
  caCertHash: string;
}

/** Creates everything that the nodes of a cluster share if no server issues their certificates. */
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

/** Creates the key of an image (256 bits), which opens the sealed parts of its machines' user-data. */
export const createUserDataKey = (): string => randomBytes(32).toString("base64url");

const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
const randomLetters = (count: number) =>
  Array.from({ length: count }, () => letters[randomInt(letters.length)]).join("");
const createBootstrapToken = () => `${randomLetters(6)}.${randomLetters(16)}`;

/** Returns the SHA-256 of the public key (kubeadm's pubkeypin, RFC 7469). */
function hashAuthority(certificate: string): string {
  const publicKey = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(publicKey).digest("hex")}`;
}
