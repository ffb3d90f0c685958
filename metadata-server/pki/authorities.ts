import { generateKeyPairSync } from "node:crypto";
import { z } from "zod";
import { KeyPair, Pem } from "#api/credentials.ts";
import { createAuthority } from "./certificate.ts";

/** Authorities behind every certificate of one cluster. The store keeps them sealed while the cluster lives. */
export const Authorities = z.strictObject({
  kubernetes: KeyPair,
  etcd: KeyPair,
  frontProxy: KeyPair,
  serviceAccount: z.strictObject({ key: Pem, publicKey: Pem }),
});
export type Authorities = z.infer<typeof Authorities>;

/** Creates three authorities with kubeadm's names, and the key of service accounts. `now` is in epoch milliseconds. */
export function createAuthorities({ now, lifetimeMs }: { now: number; lifetimeMs: number }): Authorities {
  const authority = (commonName: string) =>
    createAuthority({ subject: { commonName }, now, notAfter: now + lifetimeMs });
  return {
    kubernetes: authority("kubernetes"),
    etcd: authority("etcd-ca"),
    frontProxy: authority("front-proxy-ca"),
    serviceAccount: createServiceAccountKey(),
  };
}

/**
 * Creates PEM as kubeadm writes sa.key ("EC PRIVATE KEY", SEC 1) and sa.pub ("PUBLIC KEY") with
 * `encryptionAlgorithm: ECDSA-P256`.
 */
function createServiceAccountKey(): Authorities["serviceAccount"] {
  const { publicKey, privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "sec1", format: "pem" },
  });
  return { key: privateKey, publicKey };
}
