import { z } from "zod";
import { AllocationId } from "./name.ts";
import { Hardware } from "./node-metadata.ts";

export const Pem = z
  .string("PEM")
  .regex(/^-----BEGIN [A-Z ]+-----\n[\s\S]+\n-----END [A-Z ]+-----\n$/)
  .meta({ id: "Pem", description: "Certificate or key in PEM, with a newline at its end" });

export const KeyPair = z
  .strictObject({
    certificate: Pem,
    key: Pem.describe("The certificate's private key, in PEM"),
  })
  .meta({ id: "KeyPair" });
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

const networkAgent = KeyPair.optional().describe(
  "Client certificate of the network agent; with network `routes`, or with several control planes",
);
const kubelet = z.strictObject({
  client: KeyPair.describe("For the API server, as the node"),
  serving: KeyPair.describe("For the kubelet's own port, with the node's name and address"),
});
const kubeletPurpose = "Certificates of the node's kubelet";

export const ControlPlaneCredentials = z
  .strictObject({
    role: z.literal("control-plane").describe("Role of the node"),
    allocation: AllocationId,
    pki: z.record(z.enum(pkiFiles), Pem).describe("Files of kubeadm, by their paths below `/etc/kubernetes/pki`"),
    kubeconfigs: z
      .strictObject({
        admin: KeyPair.describe("For `admin.conf`"),
        "controller-manager": KeyPair.describe("For `controller-manager.conf`"),
        scheduler: KeyPair.describe("For `scheduler.conf`"),
        "super-admin": KeyPair.describe("For `super-admin.conf`, in the group `system:masters`"),
      })
      .describe("One client certificate for each kubeconfig that kubeadm would make"),
    kubelet: kubelet.describe(kubeletPurpose),
    networkAgent,
    networkManifest: z
      .string()
      .optional()
      .describe("YAML for the first control plane, if the request had a network manifest: it may hold secrets"),
  })
  .meta({ id: "ControlPlaneCredentials" });

const worker = {
  role: z.literal("worker").describe("Role of the node"),
  allocation: AllocationId,
  pki: z
    .strictObject({ "ca.crt": Pem.describe("Certificate of the cluster's authority") })
    .describe("Files by their paths below `/etc/kubernetes/pki`"),
  networkAgent,
};

export const WorkerCredentials = z
  .discriminatedUnion("join", [
    z.strictObject({
      ...worker,
      join: z.literal("certificate").describe("The kubelet has its client certificate already"),
      kubelet: kubelet.describe(kubeletPurpose),
    }),
    z.strictObject({
      ...worker,
      join: z.literal("kubeadm").describe("`kubeadm join` gets the kubelet's client certificate"),
      kubelet: kubelet.pick({ serving: true }).describe(kubeletPurpose),
      bootstrap: KeyPair.describe("Replaces a bootstrap token: valid during the bring-up, and only for `kubeadm join`"),
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
  .strictObject({
    allocation: AllocationId,
    hardware: Hardware.describe("Claims of the machine, which must agree with its first call"),
  })
  .meta({ id: "ClaimRequest" });
export type ClaimRequest = z.infer<typeof ClaimRequest>;

/** Answer to the confirmation: the capability is no longer valid, and this token may only report. */
export const ClaimConfirmed = z
  .strictObject({ reportToken: z.string().min(43).describe("256 bits in base64url; the server keeps only its hash") })
  .meta({ id: "ClaimConfirmed" });
export type ClaimConfirmed = z.infer<typeof ClaimConfirmed>;
