import type { Role } from "#api/name.ts";
import type { Seed } from "#api/seed.ts";
import { toRefused, wrongMachine } from "../clusters/admission.ts";
import type { ClusterDependencies } from "../clusters/dependencies.ts";
import { hashToken } from "../clusters/identifiers.ts";
import { toSeed } from "../clusters/seed.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";

/** A member as cloud-init sees it. Everything is known when the cluster is created, so no machine waits for it. */
export interface Instance {
  /** The allocation: with another one, cloud-init sees another instance and does everything again. */
  instanceId: string;
  hostname: string;
  /** Name of the provider of its machine. */
  placement: string;
  /** Labels of the cluster, for users and their tools. */
  tags: { Name: string; cluster: string; role: Role };
  seed: Seed;
}

interface InstanceRequest {
  capability: string;
  /** URL by which this machine reaches the metadata server. */
  serverUrl: string;
}

/**
 * Finds the member of a capability, also of a spent one: a machine that reboots asks again and must get the same
 * instance. Reading binds no capability, because cloud-init does not identify its machine. Throws DomainError
 * `wrong-machine` or `gone`.
 */
export async function findMember(
  { store }: Pick<ClusterDependencies, "store">,
  capability: string,
): Promise<{ cluster: ClusterRecord; member: MemberRecord }> {
  const tokenHash = hashToken(capability);
  const member = await store.memberByKey(tokenHash);
  if (member === undefined || member.reportTokenHash === tokenHash || member.frozen) throw wrongMachine(member);
  const cluster = await store.cluster(member.clusterId);
  if (cluster === undefined) throw wrongMachine(member);
  if (cluster.state === "deleting" || cluster.state === "deleted")
    throw new DomainError("gone", `Cluster ${cluster.name} is ${cluster.state}: it has no instances`, {
      refused: toRefused(member),
    });
  return { cluster, member };
}

/** Throws what findMember throws. */
export async function findInstance(
  deps: Pick<ClusterDependencies, "store" | "ca">,
  { capability, serverUrl }: InstanceRequest,
): Promise<Instance> {
  const { cluster, member } = await findMember(deps, capability);
  const { allocation, name } = member;
  const seed = toSeed(member, { server: serverUrl, ca: deps.ca, capability });
  const tags = { Name: name, cluster: cluster.name, role: member.role };
  return { instanceId: allocation, hostname: name, placement: cluster.provider, tags, seed };
}
