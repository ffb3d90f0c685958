import type { CreateCluster } from "#api/create-cluster.ts";
import type { NodePool } from "#api/node-pool.ts";
import { createTurns } from "#lib/turns.ts";
import { DomainError } from "../errors.ts";
import type { Segment } from "../providers/provider.ts";
import type { ClusterRecord, MemberRecord, NodePoolRecord } from "../store/records.ts";
import { createAllocationId, createClusterName, createToken, hashToken, type RandomBytes } from "./identifiers.ts";
import { pickNeighbours } from "./neighbours.ts";
import { nameNodes } from "./node-names.ts";
import { type ClusterSubnets, planNetwork, refuseAddressesInside, refuseSubnetsInside } from "./plan-network.ts";
import { unheard } from "./lifecycle.ts";

export interface ClusterPlan {
  cluster: ClusterRecord;
  members: MemberRecord[];
  /** Each member's capability by its name: the only copy, for the seed. */
  capabilities: Map<string, string>;
  subnets: ClusterSubnets;
  /** The request's manifest, as kubectl can apply it. Not in the record, because that is written with every change. */
  networkManifest?: string | undefined;
}

interface PlanContext {
  id: string;
  baseDomain: string;
  kubernetesVersion: string;
  provisionAllowanceMs: number;
  now: number;
  random: RandomBytes;
}

/**
 * Plans the records of a cluster; with thousands of nodes it gives others their turn. Throws DomainError
 * `invalid-request` if names or networks do not fit.
 */
export async function planCluster(request: CreateCluster, context: PlanContext): Promise<ClusterPlan> {
  const turn = createTurns();
  const name = request.name ?? createClusterName(context.random);
  const places = placeNodes(request);
  const names = nameNodes(places, `${name}.${context.baseDomain}`);
  const { network, podCidrs, ...subnets } = planNetwork(request.network, places.length);
  await turn();
  const nodes = names.map((node, index) => ({ name: node, ...(places[index] ?? { role: "worker" as const }) }));
  const neighbours = pickNeighbours(nodes, context.random);
  const capabilities = new Map<string, string>();
  const members: MemberRecord[] = [];
  for (const [index, node] of nodes.entries()) {
    await turn();
    const placed = { ...node, clusterId: context.id, first: index === 0, podCidr: podCidrs[index] ?? "" };
    const planned = planMember(placed, context.random);
    capabilities.set(node.name, planned.capability);
    const ring = (neighbours.get(node.name) ?? []).map((neighbour) => ({ name: neighbour, address: null }));
    members.push({ ...planned.member, neighbours: ring });
  }
  const cluster: ClusterRecord = {
    id: context.id,
    name,
    state: "pending",
    failure: null,
    kubernetesVersion: context.kubernetesVersion,
    provider: request.provider,
    join: request.join,
    endpoint: request.controlPlaneEndpoint ?? `api.${name}.${context.baseDomain}:6443`,
    ...(request.controlPlaneEndpoint !== undefined && { hasExternalEndpoint: true as const }),
    ...(request.virtualAddress !== undefined && { virtualAddress: request.virtualAddress }),
    network,
    labels: request.labels ?? {},
    controlPlanes: members.filter(isControlPlane).map((member) => ({ name: member.name, address: null })),
    nodes: members.length,
    ...(request.machines && {
      workerMachines: { ...request.machines.workers, install: request.machines.install },
    }),
    ...(request.nodePools && { nodePools: request.nodePools.map(toPoolRecord) }),
    ...(request.maxUnhealthy > 0 && { maxUnhealthy: request.maxUnhealthy }),
    deadlineSeconds: request.deadlineSeconds,
    failedTtlSeconds: request.failedTtlSeconds,
    createdAt: context.now,
    provisionDeadlineAt: context.now + context.provisionAllowanceMs,
    deadlineAt: null,
    readyAt: null,
    availableAt: null,
    failedAt: null,
    deletedAt: null,
    expiresAt: request.ttlSeconds === undefined ? null : context.now + request.ttlSeconds * 1000,
    sealedDataKey: null,
    providerData: {},
    version: 0,
  };
  return { cluster, members, capabilities, subnets, networkManifest: request.network?.manifest };
}

type Placed = Pick<MemberRecord, "clusterId" | "name" | "role" | "nodePool" | "first" | "podCidr">;

/** Plans a member's allocation and capability. */
export function planMember(placed: Placed, random: RandomBytes): { member: MemberRecord; capability: string } {
  const capability = createToken(random);
  const member: MemberRecord = {
    ...unheard,
    ...placed,
    allocation: createAllocationId(random),
    address: null,
    mac: null,
    state: "pending",
    capabilityHash: hashToken(capability),
    frozen: false,
    version: 0,
  };
  return { member, capability };
}

/** Adds the addresses that the provider reserved. Throws DomainError if pods or services use them. */
export function withSegment(plan: ClusterPlan, segment: Segment): ClusterPlan {
  const machines = new Map(segment.machines.map((machine) => [machine.name, machine]));
  const members = plan.members.map((member) => {
    const machine = machines.get(member.name);
    const neighbours = member.neighbours?.map(({ name }) => ({ name, address: machines.get(name)?.address ?? null }));
    return { ...member, address: machine?.address ?? null, mac: machine?.mac ?? null, neighbours: neighbours ?? [] };
  });
  const { virtualAddress } = plan.cluster;
  const shared = virtualAddress === "auto" ? segment.virtualAddress : virtualAddress;
  const holder = members.find(({ address }) => shared !== undefined && address === shared);
  if (holder !== undefined) throw virtualAddressTaken(holder);
  refuseAddressesInside(plan.subnets, [
    ...members.flatMap(({ address }) => address ?? []),
    ...(shared === undefined ? [] : [shared]),
  ]);
  refuseSubnetsInside(plan.subnets, segment.subnets ?? []);
  const controlPlanes = members.filter(isControlPlane).map(({ name, address }) => ({ name, address }));
  const cluster = { ...plan.cluster, controlPlanes, providerData: segment.providerData };
  return { ...plan, members, cluster: shared === undefined ? cluster : { ...cluster, virtualAddress: shared } };
}

const virtualAddressTaken = ({ name, address }: MemberRecord) =>
  new DomainError("invalid-request", "Cannot plan cluster network", {
    errors: [
      {
        pointer: "/virtualAddress",
        detail: `Expected an address that no machine has, got that of ${name}, ${address}`,
      },
    ],
  });

const isControlPlane = (member: MemberRecord) => member.role === "control-plane";

type Place = Pick<MemberRecord, "role" | "nodePool">;

function toPoolRecord(request: NodePool): NodePoolRecord {
  const { workers: _, ...pool } = request;
  return pool;
}

const repeated = <T>(length: number, value: T): T[] => Array.from({ length }, () => value);

/** Control planes first, then the workers of each pool. */
function placeNodes(request: CreateCluster): Place[] {
  const automatic = request.highAvailability === true ? 3 : 1;
  const controlPlanes = request.controlPlanes ?? automatic;
  const workers = request.nodes === undefined ? (request.workers ?? 0) : request.nodes - controlPlanes;
  return [
    ...repeated<Place>(controlPlanes, { role: "control-plane" }),
    ...repeated<Place>(workers, { role: "worker" }),
    ...(request.nodePools ?? []).flatMap((pool) =>
      repeated<Place>(pool.workers, { role: "worker", nodePool: pool.name }),
    ),
  ];
}
