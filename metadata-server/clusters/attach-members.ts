import type { AttachMembers } from "#api/attach-members.ts";
import { defaultNodePool } from "#api/node-pool.ts";
import { messageOf } from "#lib/errors.ts";
import { DomainError } from "../errors.ts";
import type { MachineProvider } from "../providers/provider.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import { StoreConflict, StoreUnavailable } from "../store/store.ts";
import { auditAllowed, type Actor } from "./audit.ts";
import { mintMembers } from "./cluster-secrets.ts";
import { findProvider } from "./create-cluster.ts";
import { decide } from "./decide.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import { findKnown, type IdempotencyKey, rememberKey, type StoredCluster, toIdempotency } from "./idempotency.ts";
import { isElsewhere } from "./is-elsewhere.ts";
import { startLaunch } from "./launch.ts";
import { clusterEvent } from "./lifecycle.ts";
import { findPool, poolsOf, toReserved } from "./node-pools.ts";
import { planAttachment } from "./plan-attachment.ts";
import { refuseAddresses } from "./plan-network.ts";
import { findCluster } from "./queries.ts";

/** A node that is about to report that it is Ready gets this much longer. */
const graceMs = 10_000;

interface AttachOptions {
  clusterId: string;
  by: Actor;
  idempotencyKey?: string | undefined;
  /** Changes to the members of that time, in the same commit. Throws StoreConflict `stale` if the request is. */
  change?: (present: readonly MemberRecord[]) => MemberRecord[];
}

/**
 * Plans nodes in addition to a Ready cluster's, reserves their machines, mints their credentials and stores it all in
 * one durable commit. Then starts their machines in the background. Throws DomainError: `not-found`, `not-ready`,
 * `wrong-state`, `invalid-request`, `no-capacity`, `idempotency-key-reused`.
 */
export async function attachMembers(
  deps: ClusterDependencies,
  request: AttachMembers,
  { clusterId, by, idempotencyKey, change = () => [] }: AttachOptions,
): Promise<StoredCluster> {
  const idempotency = toIdempotency(idempotencyKey, { clusterId, attach: request });
  const known = await findKnown(deps, idempotency);
  if (known !== undefined) return known;
  let reserved: MemberRecord[] = [];
  const giveBack = async (provider: MachineProvider) => {
    for (const { allocation } of reserved.splice(0))
      await provider.terminate({ clusterId, allocation }).catch((error: unknown) => {
        deps.logger.warn("Cannot give back a machine of a node that was not attached", {
          clusterId,
          error: messageOf(error),
        });
      });
  };
  const cluster = await findCluster(deps, clusterId);
  const provider = findProvider(deps, cluster.provider);
  if (isElsewhere(deps, cluster))
    throw new DomainError(
      "wrong-state",
      `The machines of ${cluster.name} are on another server's host; send the request to that server`,
    );
  refuseMachines(cluster, request);
  refusePool(cluster, request);
  try {
    const { launch, stored } = await decide(deps.store, async () => {
      // Another writer was faster: this is another plan.
      await giveBack(provider);
      const attached = await planAndReserve(deps, { request, clusterId, provider });
      reserved = [...attached.members];
      const changed = change(attached.present);
      return toDecision(deps, { ...attached, changed, provider, by, idempotency });
    });
    if (provider.userDataServerUrl === undefined) startLaunch(deps, launch);
    return stored;
  } catch (error) {
    // The workers may be stored nevertheless: then they are launched, else their machines are strays.
    if (error instanceof StoreUnavailable && !error.wasRefused) throw error;
    await giveBack(provider);
    const winner =
      error instanceof StoreConflict && error.reason === "key-used" ? await findKnown(deps, idempotency) : undefined;
    if (winner !== undefined) return winner;
    throw error;
  }
}

const isControlPlane = ({ role }: MemberRecord) => role === "control-plane";

function refuseMachines({ provider }: ClusterRecord, { machines }: AttachMembers): void {
  if (machines === undefined || provider === "bare-metal") return;
  const detail = `Expected machines only in a cluster of provider "bare-metal", got provider "${provider}"`;
  throw new DomainError("invalid-request", "Cannot attach nodes", { errors: [{ pointer: "/machines", detail }] });
}

function refusePool(cluster: ClusterRecord, { nodePool, machines }: AttachMembers): void {
  if (nodePool === undefined) return;
  findPool(cluster, nodePool);
  if (machines?.workers === undefined || nodePool === defaultNodePool) return;
  const detail = `Expected machines.workers only without nodePool, whose own requirements hold, got nodePool "${nodePool}"`;
  throw new DomainError("invalid-request", "Cannot attach nodes", {
    errors: [{ pointer: "/machines/workers", detail }],
  });
}

interface Attached {
  cluster: ClusterRecord;
  present: MemberRecord[];
  members: MemberRecord[];
  capabilities: Map<string, string>;
  serverUrl: string;
}

async function planAndReserve(
  deps: ClusterDependencies,
  { request, clusterId, provider }: { request: AttachMembers; clusterId: string; provider: MachineProvider },
): Promise<Attached> {
  const cluster = await findCluster(deps, clusterId);
  if (cluster.state !== "ready")
    throw new DomainError(
      "not-ready",
      `Cluster ${cluster.name} is ${cluster.state}; nodes are attached once it is ready`,
      { refused: { clusterId, member: null } },
    );
  const present = await deps.store.members(clusterId);
  const { members, capabilities } = planAttachment({ cluster, present }, { ...request, random: deps.random });
  const segment = await provider.reserve({
    clusterId,
    members: members.map(toReserved),
    present,
    machines: request.machines,
    nodePools: poolsOf(cluster),
    network: cluster.network,
  });
  const machines = new Map(segment.machines.map((machine) => [machine.name, machine]));
  const placed = members.map((member) => {
    const { address = null, mac = null } = machines.get(member.name) ?? {};
    return { ...member, address, mac };
  });
  refuseAddresses(
    cluster.network,
    placed.flatMap(({ address }) => address ?? []),
  );
  return { cluster, present, members: placed, capabilities, serverUrl: segment.serverUrl };
}

async function toDecision(
  deps: ClusterDependencies,
  {
    cluster,
    present,
    members,
    capabilities,
    serverUrl,
    provider,
    changed,
    by,
    idempotency,
  }: Attached & {
    changed: readonly MemberRecord[];
    provider: MachineProvider;
    by: Actor;
    idempotency: IdempotencyKey | undefined;
  },
) {
  const at = deps.clock.now();
  const { id: clusterId, state } = cluster;
  const deadlineMs = cluster.deadlineSeconds * 1000;
  const joinBy = at + provider.provisionAllowanceMs + deadlineMs + graceMs;
  // Control planes, which come first, join one after another.
  const joining = members.map((member, index) => ({
    ...member,
    joinBy: member.role === "worker" ? joinBy : joinBy + index * deadlineMs,
  }));
  const message = `Attaching ${joining.map(({ name }) => name).join(", ")}`;
  const grown: ClusterRecord = {
    ...cluster,
    nodes: cluster.nodes + joining.length,
    controlPlanesOwed: Math.max(0, (cluster.controlPlanesOwed ?? 0) - joining.filter(isControlPlane).length),
    joinBy: Math.min(cluster.joinBy ?? joinBy, joinBy),
  };
  const changes = {
    clusters: [grown],
    members: [...joining, ...changed],
    secrets: await mintMembers(deps, { cluster, members: joining }),
    events: [clusterEvent(clusterId, { state, at, message: message.slice(0, 1000) })],
    audit: [auditAllowed(by, { action: "members-attach", at, clusterId, detail: message.slice(0, 1000) })],
    ...(idempotency && { idempotency: rememberKey(idempotency, { clusterId, at }) }),
  };
  const current = present.map((member) => changed.find(({ name }) => name === member.name) ?? member);
  const stored: StoredCluster = { cluster: grown, members: [...current, ...joining] };
  return { changes, result: { stored, launch: { clusterId, serverUrl, capabilities } } };
}
