import type { Seed } from "#api/seed.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { toRefused } from "./admission.ts";
import { auditAllowed, type Actor } from "./audit.ts";
import { resealCredentials } from "./cluster-secrets.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { createToken, hashToken } from "./identifiers.ts";
import { countAllowance } from "./launch.ts";
import { canBecome, hasEnded, memberEvent, transition } from "./lifecycle.ts";
import { findCluster } from "./queries.ts";
import { toSeed } from "./seed.ts";

const firstMessage = "User-data issued, for a machine that the operator launches";
const againMessage = "User-data issued again; earlier user-data is no longer valid";

export interface IssuedUserData {
  hostname: string;
  seed: Seed;
}

/**
 * Issues user-data for a machine that the operator launches. Each call makes a new capability, which is stored nowhere,
 * and revokes the last one. The first call counts as the member's launch. Throws DomainError `not-found`,
 * `provider-unusable`, `gone`, or `wrong-state` if Sprout launches the machines or a machine has called already.
 */
export async function issueUserData(
  deps: ClusterDependencies,
  { clusterId, name, by }: { clusterId: string; name: string; by: Actor },
): Promise<IssuedUserData> {
  return decide(deps.store, async () => {
    const cluster = await findCluster(deps, clusterId);
    const { server, provisionAllowanceMs } = findLauncher(deps, cluster);
    const member = await deps.store.member(clusterId, name);
    if (member === undefined) throw new DomainError("not-found", `Cluster ${cluster.name} has no node ${name}`);
    refuseLate(cluster, member);
    const at = deps.clock.now();
    const capability = createToken(deps.random);
    const capabilityHash = hashToken(capability);
    const isFirst = member.launchedAt === null;
    const issued: MemberRecord = {
      ...member,
      capabilityHash,
      state: "launched",
      launchedAt: member.launchedAt ?? at,
    };
    const started = canBecome(cluster, "provisioning")
      ? transition(cluster, { to: "provisioning", at })
      : { clusters: [], events: [] };
    const waiting = started.clusters[0] ?? cluster;
    const counted = isFirst ? countAllowance(waiting, { launched: member, at, provisionAllowanceMs }) : waiting;
    const changes = {
      clusters: counted === cluster ? [] : [counted],
      members: [issued],
      secrets: await resealCredentials(deps, { cluster, member, capabilityHash }),
      events: [...started.events, memberEvent(issued, { at, message: isFirst ? firstMessage : againMessage })],
      audit: [auditAllowed(by, { action: "user-data-issue", at, clusterId, member: name })],
    };
    return { changes, result: { hostname: name, seed: toSeed(member, { server, ca: deps.ca, capability }) } };
  });
}

function findLauncher({ providers }: ClusterDependencies, { name, provider }: ClusterRecord) {
  const found = providers.get(provider);
  if (found === undefined)
    throw new DomainError("provider-unusable", `This server has no provider ${provider}, which cluster ${name} needs`);
  const { userDataServerUrl: server, provisionAllowanceMs } = found;
  if (server === undefined)
    throw new DomainError(
      "wrong-state",
      `Provider ${provider} of cluster ${name} launches its machines itself; user-data is only issued for provider external`,
    );
  return { server, provisionAllowanceMs };
}

/** Once a machine has bound the capability, another one with new user-data could take its place. */
function refuseLate(cluster: ClusterRecord, member: MemberRecord): void {
  const refused = toRefused(member);
  if (hasEnded(cluster))
    throw new DomainError("gone", `Cluster ${cluster.name} is ${cluster.state}; no node can join it`, { refused });
  if (member.bound !== null || member.confirmedAt !== null || member.frozen)
    throw new DomainError(
      "wrong-state",
      `The capability of ${member.name} is bound to a machine that has called (MAC ${member.bound?.macs.join(", ") ?? "unknown"}); for another machine, create another cluster`,
      { refused },
    );
}
