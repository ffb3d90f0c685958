import type { KeyPair } from "#api/credentials.ts";
import type { KubernetesApi } from "../kubernetes/api-client.ts";
import { issueCertificate } from "../pki/certificate.ts";
import { loadIssuer } from "../pki/issuer.ts";
import { administratorsGroup } from "../pki/kubernetes-groups.ts";
import type { ClusterRecord } from "../store/records.ts";
import { openAuthorities } from "./cluster-secrets.ts";
import type { ClusterDependencies } from "./dependencies.ts";

const certificateLifetimeMs = 3_600_000;
/** Common name of the client's certificate; the API server's audit log shows it. */
const user = "sprout-server";

export interface ControlPlane {
  name: string;
  address: string;
}

/** Returns the control planes with an address whose machines have not terminated, in order. */
export async function findControlPlanes(
  { store }: Pick<ClusterDependencies, "store">,
  { id, controlPlanes }: ClusterRecord,
): Promise<ControlPlane[]> {
  const found: ControlPlane[] = [];
  for (const { name, address } of controlPlanes)
    if (address !== null && (await store.member(id, name))?.endedAt === undefined) found.push({ name, address });
  return found;
}

type Access = Pick<ClusterDependencies, "store" | "serverKeys" | "clock" | "openKubernetesApi">;

interface Target {
  cluster: ClusterRecord;
  /** Those to ask. */
  controlPlanes: readonly ControlPlane[];
}

/** Opens the API of a cluster, with a client certificate for an hour. */
export async function openClusterApi(deps: Access, { cluster, controlPlanes }: Target): Promise<KubernetesApi> {
  const { kubernetes } = await openAuthorities(deps, cluster);
  return open(deps, { controlPlanes, port: 6443, authority: kubernetes, organizations: [administratorsGroup] });
}

/** Opens the gateway of a cluster's etcd, with a client certificate for an hour. */
export async function openClusterEtcd(deps: Access, { cluster, controlPlanes }: Target): Promise<KubernetesApi> {
  const { etcd } = await openAuthorities(deps, cluster);
  return open(deps, { controlPlanes, port: 2379, authority: etcd });
}

interface Servers extends Pick<Target, "controlPlanes"> {
  port: number;
  /** Of the servers and of their clients. */
  authority: KeyPair;
  organizations?: readonly string[];
}

function open(
  { clock, openKubernetesApi }: Access,
  { controlPlanes, port, authority, organizations = [] }: Servers,
): KubernetesApi {
  const now = clock.now();
  const subject = { commonName: user, organizations };
  return openKubernetesApi({
    servers: controlPlanes.map(({ address }) => `https://${address}:${port}`),
    ca: authority.certificate,
    client: issueCertificate(
      { subject, usages: ["client"], now, notAfter: now + certificateLifetimeMs },
      loadIssuer(authority),
    ),
  });
}
