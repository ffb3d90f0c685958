import { z } from "zod";
import { ControlPlanePki, WorkerPki } from "#api/cluster-pki.ts";
import { Credentials } from "#api/credentials.ts";
import { AllocationId } from "#api/name.ts";

/**
 * A control plane's credentials without a server: the authorities, from which kubeadm makes every certificate on the
 * node.
 */
const AuthorityCredentials = ControlPlanePki.extend({
  allocation: AllocationId,
  /** A further name in etcd's certificate. */
  etcdDomain: z.string(),
});

/** A worker's credentials without a server: `kubeadm join` with a token that the first control plane also has. */
const TokenCredentials = WorkerPki.extend({ allocation: AllocationId });

export const LaunchCredentials = z.discriminatedUnion("role", [AuthorityCredentials, TokenCredentials]);
export type LaunchCredentials = z.infer<typeof LaunchCredentials>;

/** A node's secrets: made in advance by a server, or what its cluster got before launch. */
export type NodeCredentials = Credentials | LaunchCredentials;

export const isLaunchCredentials = (credentials: NodeCredentials): credentials is LaunchCredentials =>
  "token" in credentials;

/** Returns the schema that fits a stored document, for errors that name the fields of that kind. */
export const credentialsSchemaOf = (json: unknown): z.ZodType<NodeCredentials> =>
  typeof json === "object" && json !== null && "token" in json ? LaunchCredentials : Credentials;

/** Returns every private key (PEM) in the credentials, at any depth, and the token. */
export const secretsOf = (credentials: NodeCredentials): string[] => [
  ...textsOf(credentials).filter((text) => text.includes("PRIVATE KEY-----")),
  ...(isLaunchCredentials(credentials) ? [credentials.token] : []),
];

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsOf) : [];
}
