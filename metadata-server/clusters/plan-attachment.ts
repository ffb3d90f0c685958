import { mismatch } from "#api/field-errors.ts";
import { nodePrefix } from "#api/network.ts";
import { capacity, formatSubnet, nthSubnet, parseSubnet } from "#lib/subnet.ts";
import { DomainError } from "../errors.ts";
import type { ClusterRecord, MemberRecord } from "../store/records.ts";
import type { RandomBytes } from "./identifiers.ts";
import { pickNeighbours } from "./neighbours.ts";
import { planMember, refuseLongNames } from "./plan.ts";

/** As many as a cluster can be created with. */
const maxNodes = 5000;

export interface AttachmentPlan {
  members: MemberRecord[];
  /** Each member's capability by its name: the only copy, for the seed. */
  capabilities: Map<string, string>;
}

/**
 * Plans workers in addition to a cluster's `present` members: names count on from the last one, and no pod subnet is
 * given twice. Throws DomainError `invalid-request` or `no-capacity`.
 */
export function planAttachment(
  { cluster, present }: { cluster: ClusterRecord; present: readonly MemberRecord[] },
  { workers, random }: { workers: number; random: RandomBytes },
): AttachmentPlan {
  refuseTooMany(cluster, { workers, present: present.length });
  const names = nextNames(cluster, { workers, present });
  refuseLongNames(names);
  const podCidrs = freePodCidrs(cluster, { workers, present });
  const nodes = names.map((name) => ({ name, role: "worker" as const }));
  const neighbours = pickNeighbours([...present, ...nodes], random);
  const addresses = new Map(present.map(({ name, address }) => [name, address]));
  const capabilities = new Map<string, string>();
  const members = nodes.map(({ name, role }, index) => {
    const placed = { clusterId: cluster.id, name, role, first: false, podCidr: podCidrs[index] ?? "" };
    const { member, capability } = planMember(placed, random);
    capabilities.set(name, capability);
    const ring = neighbours.get(name) ?? [];
    return { ...member, neighbours: ring.map((other) => ({ name: other, address: addresses.get(other) ?? null })) };
  });
  return { members, capabilities };
}

function refuseTooMany({ name }: ClusterRecord, { workers, present }: { workers: number; present: number }): void {
  if (present + workers <= maxNodes) return;
  const room = Math.max(0, maxNodes - present);
  const detail = `${mismatch(`at most ${room}`, workers)}; a cluster has ${maxNodes} nodes at most, and ${name} has ${present}`;
  throw new DomainError("invalid-request", "Cannot attach workers", { errors: [{ pointer: "/workers", detail }] });
}

type Wanted = { workers: number; present: readonly MemberRecord[] };

/** Names of nodes that are gone are not used again. */
function nextNames({ endpoint, workersNamed = 0 }: ClusterRecord, { workers, present }: Wanted): string[] {
  const domain = endpoint.slice(endpoint.indexOf(".") + 1, endpoint.lastIndexOf(":"));
  const last = Math.max(workersNamed, ...present.map(({ name }) => workerNumber(name)));
  return Array.from({ length: workers }, (_, index) => `node${String(last + 1 + index).padStart(2, "0")}.${domain}`);
}

/** Returns the number in a worker's name; 0 for a control plane. */
export const workerNumber = (name: string): number => Number(/^node(\d+)\./.exec(name)?.[1] ?? 0);

function freePodCidrs({ name, network }: ClusterRecord, { workers, present }: Wanted): string[] {
  const pods = parseSubnet(network.podSubnet);
  const taken = new Set(present.map(({ podCidr }) => podCidr));
  const room = capacity(pods, nodePrefix);
  const free: string[] = [];
  // Behind those of the members, where most are free.
  for (let step = 0; step < room && free.length < workers; step += 1) {
    const index = (present.length + step) % room;
    const podCidr = formatSubnet(nthSubnet(pods, { index, prefix: nodePrefix }));
    if (!taken.has(podCidr)) free.push(podCidr);
  }
  if (free.length === workers) return free;
  throw new DomainError(
    "no-capacity",
    `Cannot attach ${workers} workers to cluster ${name}: its pod subnet ${network.podSubnet} has room for ${free.length} more nodes; create a cluster with a larger network.podSubnet`,
  );
}
