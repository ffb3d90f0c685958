import { z } from "zod";
import { Pem } from "./credentials.ts";

/** In kubeadm's format (https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/). */
const BootstrapToken = z
  .string("a bootstrap token such as abcdef.0123456789abcdef")
  .regex(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);

/** Paths below /etc/kubernetes/pki from which kubeadm makes all other files. */
export const authorityFiles = [
  "ca.crt",
  "ca.key",
  "front-proxy-ca.crt",
  "front-proxy-ca.key",
  "etcd/ca.crt",
  "etcd/ca.key",
  "sa.key",
  "sa.pub",
] as const;

/** A cluster's authorities and the workers' join token, made before any machine exists (`sprout pki new`). */
export const ControlPlanePki = z.strictObject({
  role: z.literal("control-plane"),
  token: BootstrapToken,
  pki: z.record(z.enum(authorityFiles), Pem),
});

/** A worker's part, without any key: the authority that it trusts, and the token. */
export const WorkerPki = z.strictObject({
  role: z.literal("worker"),
  token: BootstrapToken,
  pki: z.strictObject({ "ca.crt": Pem }),
});

export const ClusterPki = z.discriminatedUnion("role", [ControlPlanePki, WorkerPki]);
export type ControlPlanePki = z.infer<typeof ControlPlanePki>;
export type WorkerPki = z.infer<typeof WorkerPki>;
export type ClusterPki = z.infer<typeof ClusterPki>;
