import type { JoinMode } from "#api/name.ts";
import { type Listener, maxDeadlineSeconds, type NodeMetadata } from "#api/node-metadata.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { Changes } from "../store/store.ts";
import { type Admission, admit, type Caller } from "./admission.ts";
import { auditBinding, bindMachine } from "./bind-machine.ts";
import { serves } from "./control-planes.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { longPoll } from "./long-poll.ts";
import { nodeNumber } from "./node-names.ts";
import { knownNeighbours } from "./neighbours.ts";
import { canBecome, memberEvent, transition } from "./lifecycle.ts";
import { refuseSpent } from "./spent-capability.ts";

/** Shorter than the timeout of common proxies. */
const metadataHoldMs = 25_000;

/**
 * Returns the node's document, and holds the request until it is final for its role. The first call binds the
 * capability to the machine. The first control plane's first answer starts the cluster's deadline. Throws DomainError
 * `wrong-machine`, `gone`, `already-claimed` (with an alert), `not-final` after the hold, or what `bindMachine` throws.
 * Takes the client's signal only if the client has to wait.
 */
export async function answerMetadata(
  deps: ClusterDependencies,
  caller: Caller,
  { clientSignal }: { clientSignal: () => AbortSignal },
): Promise<NodeMetadata> {
  const first = await tryMetadata(deps, caller);
  if (first.document !== undefined) return first.document;
  const options = { clusterId: first.clusterId, holdMs: metadataHoldMs, signal: clientSignal() };
  const document = await longPoll(deps, options, async () => (await tryMetadata(deps, caller)).document);
  if (document === undefined)
    throw new DomainError("not-final", "Not every address of the plan is known yet; ask again");
  return document;
}

async function tryMetadata(
  deps: ClusterDependencies,
  caller: Caller,
): Promise<{ clusterId: string; document?: NodeMetadata }> {
  return decide<{ clusterId: string; document?: NodeMetadata }>(deps.store, async () => {
    const at = deps.clock.now();
    const admission = await admit(deps, caller);
    if (admission.spent)
      throw await refuseSpent(deps, {
        member: admission.member,
        from: caller.from,
        message: `Metadata of ${admission.member.name} was asked for again after its confirmation`,
        detail: "This capability is spent: the node has its credentials",
      });
    const bound = await bindMachine(deps, admission, { caller, pointer: "/address/0", at });
    const { cluster, member } = bound ?? admission;
    const final = isFinal(cluster, member) && !(await mustWait(deps, { cluster, member }));
    const changes = contactChanges({
      before: admission,
      bound,
      at,
      from: caller.from,
      startsDeadline: final && member.first,
    });
    const clusterId = cluster.id;
    if (!final) return { ...changes, result: { clusterId } };
    const started = changes.changes?.clusters?.[0] ?? cluster;
    const peers = member.first ? await deps.store.memberNames(clusterId) : undefined;
    const neighbours = await knownNeighbours(deps.store, member);
    const { listeners = [], plainHttpPort } = deps;
    const parts = { member, at, neighbours, peers, listeners, plainHttpPort };
    return { ...changes, result: { clusterId, document: toNodeMetadata(started, parts) } };
  });
}

function contactChanges(contact: {
  before: Admission;
  bound: Awaited<ReturnType<typeof bindMachine>>;
  at: number;
  from: string | null;
  startsDeadline: boolean;
}): { changes?: Changes } {
  const { before, bound, at, from } = contact;
  const changes: Required<Pick<Changes, "clusters" | "members" | "events" | "audit">> = {
    clusters: [],
    members: [],
    events: [],
    audit: [],
  };
  if (bound !== undefined) {
    changes.members.push(bound.member);
    changes.events.push(memberEvent(bound.member, { at, ...(bound.note && { message: bound.note }) }));
    changes.audit.push(auditBinding(bound, { at, from }));
    if (bound.cluster !== before.cluster) changes.clusters.push(bound.cluster);
  }
  const cluster = bound?.cluster ?? before.cluster;
  if (contact.startsDeadline && canBecome(cluster, "bootstrapping")) {
    const fields = { deadlineAt: at + cluster.deadlineSeconds * 1000 };
    const started = transition(cluster, { to: "bootstrapping", at, fields });
    changes.clusters = started.clusters;
    changes.events.push(...started.events);
  }
  return changes.members.length + changes.clusters.length > 0 ? { changes } : {};
}

/** A cluster's join mode is for its workers. Control planes always use certificates. */
const joinModeOf = (cluster: ClusterRecord, { role }: MemberRecord): JoinMode =>
  role === "worker" ? cluster.join : "certificate";

const isKnown = ({ address }: { address: string | null }) => address !== null;

/** A worker needs its own address and one control plane's. A control plane needs those of all control planes. */
function isFinal(cluster: ClusterRecord, member: MemberRecord): boolean {
  if (member.address === null) return false;
  return member.role === "worker" ? cluster.controlPlanes.some(isKnown) : cluster.controlPlanes.every(isKnown);
}

/** Whether it joins the Ready cluster's control planes, which have an etcd already. */
const joinsControlPlanes = (cluster: ClusterRecord, member: MemberRecord) =>
  member.role === "control-plane" && !serves(cluster, member);

/** Control planes join one after another: etcd's members must not change while one joins. */
async function mustWait(
  { store }: Pick<ClusterDependencies, "store">,
  { cluster, member }: { cluster: ClusterRecord; member: MemberRecord },
): Promise<boolean> {
  if (!joinsControlPlanes(cluster, member)) return false;
  const joining = (await store.members(cluster.id)).filter((each) => joinsControlPlanes(cluster, each));
  return joining.some((each) => nodeNumber(each) < nodeNumber(member));
}

/** A machine that returns to a ready cluster has the whole deadline for itself. */
const deadlineOf = ({ readyAt, deadlineAt, deadlineSeconds }: ClusterRecord, { firstContactAt }: MemberRecord) =>
  readyAt !== null && firstContactAt !== null && firstContactAt > readyAt
    ? firstContactAt + deadlineSeconds * 1000
    : deadlineAt;

interface MetadataParts {
  member: MemberRecord;
  at: number;
  neighbours: NonNullable<NodeMetadata["neighbours"]>;
  peers: string[] | undefined;
  listeners: readonly Listener[];
  plainHttpPort: number | undefined;
}

function toNodeMetadata(
  cluster: ClusterRecord,
  { member, at, neighbours, peers, listeners, plainHttpPort }: MetadataParts,
): NodeMetadata {
  const joins = joinsControlPlanes(cluster, member);
  const controlPlanes = joins ? [...cluster.controlPlanes, member] : cluster.controlPlanes;
  // One that joins has waited for its turn.
  const deadlineAt = (joins ? member.joinBy : deadlineOf(cluster, member)) ?? at + cluster.deadlineSeconds * 1000;
  if (deadlineAt <= at)
    throw new DomainError("gone", `The deadline of cluster ${cluster.name} has passed; no node can join it`);
  return {
    allocation: member.allocation,
    cluster: { id: cluster.id, name: cluster.name, kubernetesVersion: cluster.kubernetesVersion },
    self: {
      name: member.name,
      role: member.role,
      address: member.address ?? "",
      podCidr: member.podCidr,
      ...(member.nodePool !== undefined && { nodePool: member.nodePool }),
    },
    endpoint: cluster.endpoint,
    controlPlanes: controlPlanes.flatMap(({ name, address }) => (address === null ? [] : { name, address })),
    network: cluster.network,
    join: joinModeOf(cluster, member),
    deadlineSeconds: Math.min(maxDeadlineSeconds, (deadlineAt - at) / 1000),
    ...(cluster.hasExternalEndpoint && { hasExternalEndpoint: true as const }),
    ...(cluster.virtualAddress !== undefined && { virtualAddress: cluster.virtualAddress }),
    ...(joins && { initialClusterState: "existing" as const }),
    ...(member.lastSequence > 0 && { lastSequence: member.lastSequence }),
    ...(neighbours.length > 0 && { neighbours }),
    ...(listeners.length > 0 && { listeners: [...listeners] }),
    ...(plainHttpPort !== undefined && { plainHttpPort }),
    ...(peers && { peers }),
  };
}
