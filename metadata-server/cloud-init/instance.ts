import type { Role } from "#api/name.ts";
import type { Seed } from "#api/seed.ts";
import { toRefused, wrongMachine } from "../clusters/admission.ts";
import type { ClusterDependencies } from "../clusters/dependencies.ts";
import { hashToken } from "../clusters/identifiers.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";

/** A member as cloud-init sees it. All of it is known when its cluster is created, so nobody has to wait for it. */
export interface Instance {
  /** The allocation: another one is another instance, and cloud-init does everything anew. */
  instanceId: string;
  hostname: string;
  /** Where its machines come from. */
  placement: string;
  /** For people and their tools. */
  tags: { Name: string; cluster: string; role: Role };
  seed: Seed;
}

export interface InstanceRequest {
  capability: string;
  /** The metadata server as this machine reaches it. */
  serverUrl: string;
}

/**
 * Whose capability it is, also when it is spent: a machine that reboots asks again, and must find itself the same
 * instance. Reading binds nothing, because a cloud-init says nothing of the machine it runs on. Throws DomainError
 * `wrong-machine` or `gone`.
 */
export async function findMember(
  { store }: Pick<ClusterDependencies, "store">,
  capability: string,
): Promise<{ cluster: ClusterRecord; member: MemberRecord }> {
  const tokenHash = hashToken(capability);
  const member = await store.memberByTokenHash(tokenHash);
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
  const { allocation, name, mac, address } = member;
  const seed = { server: serverUrl, ca: deps.ca, capability, ...(mac && { mac }), ...(address && { address }) };
  const tags = { Name: name, cluster: cluster.name, role: member.role };
  return { instanceId: allocation, hostname: name, placement: cluster.provider, tags, seed };
}
