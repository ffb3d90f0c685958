import { z } from "zod";
import { ControlPlanePki, WorkerPki } from "#api/cluster-pki.ts";
import { Credentials } from "#api/credentials.ts";
import { AllocationId } from "#api/name.ts";

/** A control plane's without a server: the authorities, of which kubeadm makes every certificate on the node itself. */
const AuthorityCredentials = ControlPlanePki.extend({
  allocation: AllocationId,
  /** A further name that etcd's certificate is for. */
  etcdDomain: z.string(),
});

/** A worker's without a server: `kubeadm join` with a token that the first control plane knows, too. */
const TokenCredentials = WorkerPki.extend({ allocation: AllocationId });

export const LaunchCredentials = z.discriminatedUnion("role", [AuthorityCredentials, TokenCredentials]);
export type LaunchCredentials = z.infer<typeof LaunchCredentials>;

/** All that is secret of a node: ready-made by a server, or what its cluster was given before launch. */
export type NodeCredentials = Credentials | LaunchCredentials;

export const isLaunchCredentials = (credentials: NodeCredentials): credentials is LaunchCredentials =>
  "token" in credentials;

/** Which of the two a stored document is, for errors that name the fields of that one. */
export const credentialsSchemaOf = (json: unknown): z.ZodType<NodeCredentials> =>
  typeof json === "object" && json !== null && "token" in json ? LaunchCredentials : Credentials;
