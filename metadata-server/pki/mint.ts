import { z } from "zod";
import { formatFieldErrors, parseFields } from "#api/field-errors.ts";
import type { ControlPlaneCredentials, Credentials, KeyPair } from "#api/credentials.ts";
import { AllocationId, KubernetesVersion, NodeName, Role } from "#api/name.ts";
import { Address, Cidr } from "#api/network.ts";
import { apiServiceAddress, parseSubnet } from "#lib/subnet.ts";
import { toAlternativeNames } from "./alternative-names.ts";
import type { Authorities } from "./authorities.ts";
import { type Usage, dayMs, issueCertificate } from "./certificate.ts";
import { type Issuer, loadIssuer } from "./issuer.ts";
import { administratorsGroup, kubeletClientGroups } from "./kubernetes-groups.ts";

/** Shortest life of a node's certificates, so that extending a cluster's TTL needs no new ones. */
const minimumLifetimeMs = 30 * dayMs;

const MintRequest = z.strictObject({
  role: Role,
  allocation: AllocationId,
  name: NodeName,
  address: Address,
  /** Host of the API server's endpoint: a name or an address. */
  endpointHost: z.string(),
  /** Where the endpoint leads, if the control planes share an address. */
  virtualAddress: z.string().optional(),
  serviceSubnet: Cidr.transform(parseSubnet).refine(({ prefix }) => prefix < 32, "a subnet with a first address"),
  kubernetesVersion: KubernetesVersion,
  /** Milliseconds since the epoch. */
  now: z.number(),
  /** Milliseconds since the epoch; extended to at least 30 days from now. */
  notAfter: z.number(),
  withNetworkAgent: z.boolean(),
  /** For a worker that joins by kubeadm: the end of its bootstrap certificate, used unchanged. */
  bootstrapNotAfter: z.number().optional(),
});
export type MintRequest = z.input<typeof MintRequest>;
type Node = z.output<typeof MintRequest>;

interface Subject {
  commonName: string;
  organizations?: string[];
}
type Sign = (authority: Issuer, usages: Usage[], subject: Subject, hosts?: string[]) => KeyPair;

/**
 * Issues every certificate that kubeadm would make for this node, with kubeadm's common names, organisations, extended
 * usages and alternative names (cmd/kubeadm/app/phases/certs/certlist.go), the kubelet's two, and the network agent's.
 * Throws if the request is invalid (every field at once) or an authority is damaged.
 */
export function mintCredentials(authorities: Authorities, request: MintRequest): Credentials {
  const node = parseRequest(request);
  const kubernetes = loadIssuer(authorities.kubernetes);
  const notAfter = Math.max(node.notAfter, node.now + minimumLifetimeMs);
  const sign: Sign = (issuer, usages, subject, hosts = []) =>
    issueCertificate({ subject, usages, alternativeNames: toAlternativeNames(hosts), now: node.now, notAfter }, issuer);
  const kubelet = { commonName: `system:node:${node.name}`, organizations: ["system:nodes"] };
  const serving = sign(kubernetes, ["server"], kubelet, [node.name, node.address]);
  // The prefix is short, because RFC 5280 allows a common name of at most 64 characters. The group has the rights.
  const networkAgent = { commonName: `sprout:node:${node.name}`, organizations: ["sprout:network-agents"] };
  const common = {
    allocation: node.allocation,
    ...(node.withNetworkAgent && { networkAgent: sign(kubernetes, ["client"], networkAgent) }),
  };
  const pki = { "ca.crt": authorities.kubernetes.certificate };
  if (node.role === "worker" && node.bootstrapNotAfter !== undefined) {
    const bootstrap = mintBootstrap(kubernetes, { ...node, notAfter: node.bootstrapNotAfter });
    return { role: "worker", join: "kubeadm", ...common, pki, kubelet: { serving }, bootstrap };
  }
  const ready = { ...common, kubelet: { client: sign(kubernetes, ["client"], kubelet), serving } };
  return node.role === "worker"
    ? { role: "worker", join: "certificate", ...ready, pki }
    : {
        role: "control-plane",
        ...ready,
        pki: mintPki(authorities, { node, kubernetes, sign }),
        kubeconfigs: mintKubeconfigs(kubernetes, sign),
      };
}

/**
 * Issues a client certificate with the rights of a kubeadm bootstrap token: kubeadm's phase `bootstrap-token` grants
 * them to its group (cmd/kubeadm/app/phases/bootstraptoken/node/tlsbootstrap.go).
 */
function mintBootstrap(
  kubernetes: Issuer,
  { allocation, now, notAfter }: Pick<MintRequest, "allocation" | "now" | "notAfter">,
): KeyPair {
  const organizations = ["system:bootstrappers:kubeadm:default-node-token"];
  const subject = { commonName: `system:bootstrap:${allocation}`, organizations };
  return issueCertificate({ subject, usages: ["client"], now, notAfter }, kubernetes);
}

function parseRequest(request: MintRequest): Node {
  const { data, errors } = parseFields(MintRequest, request, { mayQuote: () => true });
  if (errors) throw new Error(`Cannot mint credentials: ${formatFieldErrors(errors)}`);
  return data;
}

function mintPki(
  authorities: Authorities,
  { node, kubernetes, sign }: { node: Node; kubernetes: Issuer; sign: Sign },
): ControlPlaneCredentials["pki"] {
  const etcd = loadIssuer(authorities.etcd);
  const frontProxy = loadIssuer(authorities.frontProxy);
  const etcdHosts = [node.name, "localhost", node.address, "127.0.0.1", "::1"];
  return {
    ...files("ca", authorities.kubernetes),
    ...files("apiserver", sign(kubernetes, ["server"], { commonName: "kube-apiserver" }, apiServerHosts(node))),
    ...files(
      "apiserver-kubelet-client",
      sign(kubernetes, ["client"], {
        commonName: "kube-apiserver-kubelet-client",
        organizations: kubeletClientGroups(node.kubernetesVersion),
      }),
    ),
    ...files("front-proxy-ca", authorities.frontProxy),
    ...files("front-proxy-client", sign(frontProxy, ["client"], { commonName: "front-proxy-client" })),
    ...files("etcd/ca", authorities.etcd),
    // etcd's gateway is a client of the same server (etcd-io/etcd#9785).
    ...files("etcd/server", sign(etcd, ["server", "client"], { commonName: node.name }, etcdHosts)),
    ...files("etcd/peer", sign(etcd, ["server", "client"], { commonName: node.name }, etcdHosts)),
    // No groups, because etcd ignores them (kubernetes/kubernetes#119859 and #120521).
    ...files("etcd/healthcheck-client", sign(etcd, ["client"], { commonName: "kube-etcd-healthcheck-client" })),
    ...files("apiserver-etcd-client", sign(etcd, ["client"], { commonName: "kube-apiserver-etcd-client" })),
    "sa.key": authorities.serviceAccount.key,
    "sa.pub": authorities.serviceAccount.publicKey,
  };
}

function mintKubeconfigs(kubernetes: Issuer, sign: Sign): ControlPlaneCredentials["kubeconfigs"] {
  const client = (commonName: string, ...organizations: string[]) =>
    sign(kubernetes, ["client"], { commonName, organizations });
  return {
    admin: client("kubernetes-admin", administratorsGroup),
    "controller-manager": client("system:kube-controller-manager"),
    scheduler: client("system:kube-scheduler"),
    "super-admin": client("kubernetes-super-admin", "system:masters"),
  };
}

/** kubeadm's names, and loopback names for programs on the API server's machine. */
const apiServerHosts = (node: Node): string[] => [
  node.name,
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
  "localhost",
  apiServiceAddress(node.serviceSubnet),
  node.address,
  "127.0.0.1",
  node.endpointHost,
  ...(node.virtualAddress === undefined ? [] : [node.virtualAddress]),
];

type Files<Base extends string> = { [Extension in "crt" | "key" as `${Base}.${Extension}`]: string };
const files = <Base extends string>(base: Base, pair: KeyPair) =>
  ({ [`${base}.crt`]: pair.certificate, [`${base}.key`]: pair.key }) as Files<Base>;
