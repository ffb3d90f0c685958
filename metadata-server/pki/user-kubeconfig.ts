import { stringify } from "yaml";
import type { Authorities } from "./authorities.ts";
import { issueCertificate } from "./certificate.ts";
import { loadIssuer } from "./issuer.ts";
import { administratorsGroup } from "./kubernetes-groups.ts";

export interface UserKubeconfigRequest {
  clusterName: string;
  /** URL of the API server as the user reaches it. */
  server: string;
  /** Common name of the certificate; the API server's audit log shows it. */
  user: string;
  ttlMs: number;
  /** Milliseconds since the epoch. */
  now: number;
}

/** Returns a kubeconfig (YAML) with a new inline client certificate, valid for `ttlMs`. */
export function mintUserKubeconfig(authorities: Authorities, request: UserKubeconfigRequest): string {
  const { clusterName, server, user, ttlMs, now } = request;
  const { certificate, key } = issueCertificate(
    {
      subject: { commonName: user, organizations: [administratorsGroup] },
      usages: ["client"],
      now,
      notAfter: now + ttlMs,
    },
    loadIssuer(authorities.kubernetes),
  );
  const context = `${user}@${clusterName}`;
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: clusterName,
        cluster: { server, "certificate-authority-data": base64(authorities.kubernetes.certificate) },
      },
    ],
    users: [{ name: user, user: { "client-certificate-data": base64(certificate), "client-key-data": base64(key) } }],
    contexts: [{ name: context, context: { cluster: clusterName, user } }],
    "current-context": context,
  };
  // Quoted throughout: kubectl reads YAML 1.1, where a cluster called `n` would be false.
  return stringify(kubeconfig, { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN", lineWidth: 0 });
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
