import type { AttachMembers } from "#api/attach-members.ts";
import { mismatch } from "#api/field-errors.ts";
import type { Role } from "#api/name.ts";
import { nodePrefix } from "#api/network.ts";
import { defaultNodePool } from "#api/node-pool.ts";
import { capacity, formatSubnet, nthSubnet, parseSubnet } from "#lib/subnet.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { RandomBytes } from "./identifiers.ts";
import { pickNeighbours } from "./neighbours.ts";
import { namePrefixes, nodeNumber, refuseLongNames } from "./node-names.ts";
import { planMember } from "./plan.ts";
import { refuseControlPlanes } from "./refuse-control-planes.ts";

/** As many as a cluster can be created with. */
const maxNodes = 5000;

export interface AttachmentPlan {
  members: MemberRecord[];
  /** Each member's capability by its name: the only copy, for the seed. */
  capabilities: Map<string, string>;
}

interface AttachmentRequest extends Pick<AttachMembers, "workers" | "nodePool" | "controlPlanes"> {
  random: RandomBytes;
}

/**
 * Plans nodes in addition to a cluster's `present` members: names count on from the last one of their role, and no pod
 * subnet is given twice. Throws DomainError `invalid-request`, `wrong-state` or `no-capacity`.
 */
export function planAttachment(
  { cluster, present }: { cluster: ClusterRecord; present: readonly MemberRecord[] },
  { workers = 0, nodePool = defaultNodePool, controlPlanes = 0, random }: AttachmentRequest,
): AttachmentPlan {
  const count = controlPlanes + workers;
  refuseTooMany(cluster, { count, present: present.length });
  if (controlPlanes > 0) refuseControlPlanes(cluster, { count: controlPlanes, present });
  const nodes = [
    ...nextNames(cluster, { role: "control-plane", count: controlPlanes, present }),
    ...nextNames(cluster, { role: "worker", count: workers, present }),
  ];
  refuseLongNames(nodes.map(({ name }) => name));
  const podCidrs = freePodCidrs(cluster, { count, present });
  const neighbours = pickNeighbours([...present, ...nodes], random);
  const addresses = new Map(present.map(({ name, address }) => [name, address]));
  const capabilities = new Map<string, string>();
  const members = nodes.map(({ name, role }, index) => {
    const pool = role === "worker" && nodePool !== defaultNodePool ? { nodePool } : {};
    const placed = { clusterId: cluster.id, name, role, ...pool, first: false, podCidr: podCidrs[index] ?? "" };
    const { member, capability } = planMember(placed, random);
    capabilities.set(name, capability);
    const ring = neighbours.get(name) ?? [];
    return { ...member, neighbours: ring.map((other) => ({ name: other, address: addresses.get(other) ?? null })) };
  });
  return { members, capabilities };
}

function refuseTooMany({ name }: ClusterRecord, { count, present }: { count: number; present: number }): void {
  if (present + count <= maxNodes) return;
  const room = Math.max(0, maxNodes - present);
  const detail = `${mismatch(`at most ${room}`, count)}; a cluster has ${maxNodes} nodes at most, and ${name} has ${present}`;
  throw new DomainError("invalid-request", "Cannot attach nodes", { errors: [{ pointer: "/workers", detail }] });
}

type Wanted = { count: number; present: readonly MemberRecord[] };

/** Names of nodes that are gone are not used again. */
function nextNames(cluster: ClusterRecord, { role, count, present }: Wanted & { role: Role }) {
  const { controlPlanes, workersNamed = 0, controlPlanesNamed = 0 } = cluster;
  const domain = controlPlanes[0]?.name.split(".").slice(1).join(".") ?? "";
  const named = role === "worker" ? workersNamed : controlPlanesNamed;
  const last = Math.max(named, ...present.filter((member) => member.role === role).map(nodeNumber));
  return Array.from({ length: count }, (_, index) => ({
    role,
    name: `${namePrefixes[role]}${String(last + 1 + index).padStart(2, "0")}.${domain}`,
  }));
}

function freePodCidrs({ name, network }: ClusterRecord, { count, present }: Wanted): string[] {
  const pods = parseSubnet(network.podSubnet);
  const taken = new Set(present.map(({ podCidr }) => podCidr));
  const room = capacity(pods, nodePrefix);
  const free: string[] = [];
  // Behind those of the members, where most are free.
  for (let step = 0; step < room && free.length < count; step += 1) {
    const index = (present.length + step) % room;
    const podCidr = formatSubnet(nthSubnet(pods, { index, prefix: nodePrefix }));
    if (!taken.has(podCidr)) free.push(podCidr);
  }
  if (free.length === count) return free;
  throw new DomainError(
    "no-capacity",
    `Cannot attach ${count} nodes to cluster ${name}: its pod subnet ${network.podSubnet} has room for ${free.length} more nodes; create a cluster with a larger network.podSubnet`,
  );
}
