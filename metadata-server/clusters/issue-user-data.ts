import type { Seed } from "#api/seed.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { toRefused } from "./admission.ts";
import { auditAllowed, type Origin } from "./audit.ts";
import { resealCredentials } from "./cluster-secrets.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { createToken, hashToken } from "./identifiers.ts";
import { countAllowance } from "./launch.ts";
import { canBecome, isOver, memberEvent, transition } from "./lifecycle.ts";
import { findCluster } from "./queries.ts";

const firstMessage = "User-data issued, for a machine that somebody else launches";
const againMessage = "User-data issued anew: what was issued before opens nothing any more";

export interface IssuedUserData {
  hostname: string;
  seed: Seed;
}

/**
 * What a machine that somebody else launches starts from, with a capability of its own for each call: it is kept nowhere,
 * and the last one is void. For Sprout this is the member's launch. Throws DomainError `not-found`, `provider-unusable`,
 * `gone`, or `wrong-state` where Sprout launches the machines itself or a machine has called already.
 */
export async function issueUserData(
  deps: ClusterDependencies,
  { clusterId, name, by }: { clusterId: string; name: string; by: Origin },
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
    const { mac, address } = member;
    const seed = { server, ca: deps.ca, capability, ...(mac && { mac }), ...(address && { address }) };
    return { changes, result: { hostname: name, seed } };
  });
}

function findLauncher({ providers }: ClusterDependencies, { name, provider }: ClusterRecord) {
  const found = providers.get(provider);
  if (found === undefined)
    throw new DomainError("provider-unusable", `This server has no provider ${provider}, of which cluster ${name} is`);
  const { userDataServerUrl: server, provisionAllowanceMs } = found;
  if (server === undefined)
    throw new DomainError(
      "wrong-state",
      `Cluster ${name} is of provider ${provider}, which launches its machines itself; user-data is issued for provider external`,
    );
  return { server, provisionAllowanceMs };
}

/** A capability is bound by its first use; whoever is late might take the node's place. */
function refuseLate(cluster: ClusterRecord, member: MemberRecord): void {
  const refused = toRefused(member);
  if (isOver(cluster))
    throw new DomainError("gone", `Cluster ${cluster.name} is ${cluster.state}: no node can join it`, { refused });
  if (member.bound !== null || member.confirmedAt !== null || member.frozen)
    throw new DomainError(
      "wrong-state",
      `A machine has called as ${member.name} (MAC ${member.bound?.macs.join(", ") ?? "unknown"}) and its capability is bound to it; for another machine, create another cluster`,
      { refused },
    );
}
