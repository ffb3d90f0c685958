import { type KubernetesApi } from "../kubernetes/api-client.ts";
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
  const now = deps.clock.now();
  const subject = { commonName: user, organizations: [administratorsGroup] };
  return deps.openKubernetesApi({
    servers: controlPlanes.map(({ address }) => `https://${address}:6443`),
    ca: kubernetes.certificate,
    client: issueCertificate(
      { subject, usages: ["client"], now, notAfter: now + certificateLifetimeMs },
      loadIssuer(kubernetes),
    ),
  });
}

/** Opens the gateway of a cluster's etcd, with a client certificate for an hour. */
export async function openClusterEtcd(deps: Access, { cluster, controlPlanes }: Target): Promise<KubernetesApi> {
  const { etcd } = await openAuthorities(deps, cluster);
  const now = deps.clock.now();
  return deps.openKubernetesApi({
    servers: controlPlanes.map(({ address }) => `https://${address}:2379`),
    ca: etcd.certificate,
    client: issueCertificate(
      { subject: { commonName: user }, usages: ["client"], now, notAfter: now + certificateLifetimeMs },
      loadIssuer(etcd),
    ),
  });
}
