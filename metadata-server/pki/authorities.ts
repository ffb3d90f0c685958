import { z } from "zod";
import { KeyPair, Pem } from "#api/credentials.ts";
import { createAuthority } from "./certificate.ts";

export const ServiceAccountKey = z.strictObject({ key: Pem, publicKey: Pem });
export type ServiceAccountKey = z.infer<typeof ServiceAccountKey>;

/** What every certificate of one cluster hangs from. Plain data, kept sealed for as long as the cluster lives. */
export const Authorities = z.strictObject({
  kubernetes: KeyPair,
  etcd: KeyPair,
  frontProxy: KeyPair,
  serviceAccount: ServiceAccountKey,
});
export type Authorities = z.infer<typeof Authorities>;

/** The three authorities under kubeadm's names. `now` is in milliseconds since the epoch. */
export function createAuthorities(options: {
  now: number;
  lifetimeMs: number;
  serviceAccountKey: ServiceAccountKey;
}): Authorities {
  const { now, lifetimeMs, serviceAccountKey } = options;
  const authority = (commonName: string) =>
    createAuthority({ subject: { commonName }, now, notAfter: now + lifetimeMs });
  return {
    kubernetes: authority("kubernetes"),
    etcd: authority("etcd-ca"),
    frontProxy: authority("front-proxy-ca"),
    serviceAccount: serviceAccountKey,
  };
}
