import { stringify } from "yaml";
import type { Authorities } from "./authorities.ts";
import { issueCertificate } from "./certificate.ts";
import { loadIssuer } from "./issuer.ts";
import { administratorsGroup } from "./kubernetes-groups.ts";

interface ApiServer {
  /** Part of its context's name. */
  name: string;
  url: string;
}

export interface UserKubeconfigRequest {
  clusterName: string;
  /** Addresses of the API servers as the user reaches them. The first is the current context. */
  servers: readonly [ApiServer, ...ApiServer[]];
  /** Common name of the certificate; the API server's audit log shows it. */
  user: string;
  ttlMs: number;
  /** Milliseconds since the epoch. */
  now: number;
}

/**
 * Returns a kubeconfig (YAML) with a new inline client certificate, valid for `ttlMs`. Each further API server has a
 * context `USER@CLUSTER-NAME`: kubectl tries one server only.
 */
export function mintUserKubeconfig(authorities: Authorities, request: UserKubeconfigRequest): string {
  const { clusterName, servers, user, ttlMs, now } = request;
  const { certificate, key } = issueCertificate(
    {
      subject: { commonName: user, organizations: [administratorsGroup] },
      usages: ["client"],
      now,
      notAfter: now + ttlMs,
    },
    loadIssuer(authorities.kubernetes),
  );
  const authority = base64(authorities.kubernetes.certificate);
  const clusters = servers.map(({ name, url }, index) => ({
    name: index === 0 ? clusterName : `${clusterName}-${name}`,
    cluster: { server: url, "certificate-authority-data": authority },
  }));
  const contexts = clusters.map(({ name }) => ({ name: `${user}@${name}`, context: { cluster: name, user } }));
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters,
    users: [{ name: user, user: { "client-certificate-data": base64(certificate), "client-key-data": base64(key) } }],
    contexts,
    "current-context": `${user}@${clusterName}`,
  };
  // Quoted throughout: kubectl reads YAML 1.1, where a cluster called `n` would be false.
  return stringify(kubeconfig, { defaultStringType: "QUOTE_DOUBLE", defaultKeyType: "PLAIN", lineWidth: 0 });
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
