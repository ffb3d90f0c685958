import { z } from "zod";
import { AllocationId } from "./name.ts";
import { Hardware } from "./node-metadata.ts";

export const Pem = z
  .string("PEM")
  .regex(/^-----BEGIN [A-Z ]+-----\n[\s\S]+\n-----END [A-Z ]+-----\n$/)
  .meta({ id: "Pem" });

export const KeyPair = z.strictObject({ certificate: Pem, key: Pem }).meta({ id: "KeyPair" });
export type KeyPair = z.infer<typeof KeyPair>;

/** kubeadm's paths below /etc/kubernetes/pki (https://kubernetes.io/docs/setup/best-practices/certificates/). */
export const pkiFiles = [
  "ca.crt",
  "ca.key",
  "apiserver.crt",
  "apiserver.key",
  "apiserver-kubelet-client.crt",
  "apiserver-kubelet-client.key",
  "front-proxy-ca.crt",
  "front-proxy-ca.key",
  "front-proxy-client.crt",
  "front-proxy-client.key",
  "etcd/ca.crt",
  "etcd/ca.key",
  "etcd/server.crt",
  "etcd/server.key",
  "etcd/peer.crt",
  "etcd/peer.key",
  "etcd/healthcheck-client.crt",
  "etcd/healthcheck-client.key",
  "apiserver-etcd-client.crt",
  "apiserver-etcd-client.key",
  "sa.key",
  "sa.pub",
] as const;
export type PkiFile = (typeof pkiFiles)[number];

/** With network `routes` only. */
const routeAgent = KeyPair.optional();
const kubelet = z.strictObject({ client: KeyPair, serving: KeyPair });

export const ControlPlaneCredentials = z
  .strictObject({
    role: z.literal("control-plane"),
    allocation: AllocationId,
    pki: z.record(z.enum(pkiFiles), Pem),
    /** One client certificate for each kubeconfig that kubeadm would make. */
    kubeconfigs: z.strictObject({
      admin: KeyPair,
      "controller-manager": KeyPair,
      scheduler: KeyPair,
      "super-admin": KeyPair,
    }),
    kubelet,
    routeAgent,
    /** For the first control plane, if the request had a network manifest: it may hold secrets. */
    networkManifest: z.string().optional(),
  })
  .meta({ id: "ControlPlaneCredentials" });

const worker = {
  role: z.literal("worker"),
  allocation: AllocationId,
  pki: z.strictObject({ "ca.crt": Pem }),
  routeAgent,
};

export const WorkerCredentials = z
  .discriminatedUnion("join", [
    z.strictObject({ ...worker, join: z.literal("certificate"), kubelet }),
    z.strictObject({
      ...worker,
      join: z.literal("kubeadm"),
      kubelet: kubelet.pick({ serving: true }),
      /** Replaces a bootstrap token: valid during the bring-up, and only for `kubeadm join`. */
      bootstrap: KeyPair,
    }),
  ])
  .meta({ id: "WorkerCredentials" });

/** `POST /node/v1/claim`: every secret that this machine ever gets, for at most one holder. */
export const Credentials = z
  .discriminatedUnion("role", [ControlPlaneCredentials, WorkerCredentials])
  .meta({ id: "Credentials" });
export type ControlPlaneCredentials = z.infer<typeof ControlPlaneCredentials>;
export type WorkerCredentials = z.infer<typeof WorkerCredentials>;
export type Credentials = z.infer<typeof Credentials>;

/** Body of `POST /node/v1/claim` and `POST /node/v1/claim/confirm`. */
export const ClaimRequest = z
  .strictObject({ allocation: AllocationId, hardware: Hardware })
  .meta({ id: "ClaimRequest" });
export type ClaimRequest = z.infer<typeof ClaimRequest>;

/** Answer to the confirmation: the capability is no longer valid, and this token may only report. */
export const ClaimConfirmed = z.strictObject({ reportToken: z.string().min(43) }).meta({ id: "ClaimConfirmed" });
export type ClaimConfirmed = z.infer<typeof ClaimConfirmed>;
