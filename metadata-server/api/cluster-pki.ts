import { z } from "zod";
import { Pem } from "./credentials.ts";

/** kubeadm's form (https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/). */
export const BootstrapToken = z
  .string()
  .regex(/^[a-z0-9]{6}\.[a-z0-9]{16}$/, "must be a bootstrap token such as abcdef.0123456789abcdef");

/** Paths below /etc/kubernetes/pki that kubeadm makes everything else of. */
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

/** A cluster's authorities, made before there is any machine (`sprout pki new`), and the token that workers join with. */
export const ControlPlanePki = z.strictObject({
  role: z.literal("control-plane"),
  token: BootstrapToken,
  pki: z.record(z.enum(authorityFiles), Pem),
});

/** The same for a worker, which gets no key: the authority that it trusts and the token. */
export const WorkerPki = z.strictObject({
  role: z.literal("worker"),
  token: BootstrapToken,
  pki: z.strictObject({ "ca.crt": Pem }),
});

export const ClusterPki = z.discriminatedUnion("role", [ControlPlanePki, WorkerPki]);
export type ControlPlanePki = z.infer<typeof ControlPlanePki>;
export type WorkerPki = z.infer<typeof WorkerPki>;
export type ClusterPki = z.infer<typeof ClusterPki>;
