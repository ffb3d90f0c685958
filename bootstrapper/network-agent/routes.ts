import { Cidr, nodePrefix } from "#api/network.ts";
import { contains, formatSubnet, overlaps, parseSubnet, type Subnet } from "#lib/subnet.ts";
import { internalIp, type KubernetesNode } from "../kubernetes/node.ts";

/** Marks Sprout's routes in the kernel's table (`ip route … proto 157`), so that no other program's are touched. */
export const routeProtocol = "157";

/** Pod CIDR → the address of the node that has it. */
type Routes = Map<string, string>;

/** A peer whose pods get no route. */
export interface RefusedRoute {
  node: string;
  cidr: string;
  why: string;
}

interface RouteOptions {
  self: string;
  podSubnet: Subnet;
}

/**
 * Returns the routes that this node should have, and the peers that get none. Routes follow `spec.podCIDR`, which no
 * node can change once it is set. A peer is refused if its CIDR is not one of the plan's, or overlaps this node's own
 * or an older Node's.
 */
export function toRoutes(
  nodes: Iterable<KubernetesNode>,
  { self, podSubnet }: RouteOptions,
): { routes: Routes; refused: RefusedRoute[] } {
  const routes: Routes = new Map();
  const refused: RefusedRoute[] = [];
  const owners: { name: string; pods: Subnet }[] = [];
  for (const node of byPrecedence(nodes, self)) {
    const { name } = node.metadata;
    const cidr = node.spec?.podCIDR;
    if (cidr === undefined) continue;
    const pods = readPlanned(cidr, podSubnet);
    const owner = pods && owners.find((other) => overlaps(other.pods, pods));
    if (pods === undefined || owner !== undefined) {
      const why = owner === undefined ? `not a /${nodePrefix} of ${formatSubnet(podSubnet)}` : `${owner.name} has it`;
      refused.push({ node: name, cidr, why });
      continue;
    }
    owners.push({ name, pods });
    const address = internalIp(node);
    if (name !== self && address !== undefined) routes.set(formatSubnet(pods), address);
  }
  return { routes, refused };
}

/** Sorts by who keeps a CIDR that several Nodes have: this node, then the oldest. */
function byPrecedence(nodes: Iterable<KubernetesNode>, self: string): KubernetesNode[] {
  const rank = ({ metadata: { name, creationTimestamp = "" } }: KubernetesNode) =>
    `${name === self ? 0 : 1} ${creationTimestamp} ${name}`;
  return [...nodes].toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1));
}

/** Undefined if the plan gives no node such a CIDR. */
function readPlanned(text: string, podSubnet: Subnet): Subnet | undefined {
  const cidr = Cidr.safeParse(text);
  const pods = cidr.success ? parseSubnet(cidr.data) : undefined;
  return pods?.prefix === nodePrefix && contains(podSubnet, pods) ? pods : undefined;
}

interface RouteChange {
  operation: "replace" | "delete";
  cidr: string;
  via: string;
}

/** Returns the changes that turn `current` into `wanted`. */
export function diffRoutes(current: Routes, wanted: Routes): RouteChange[] {
  return [
    ...[...current]
      .filter(([cidr]) => !wanted.has(cidr))
      .map(([cidr, via]) => ({ operation: "delete" as const, cidr, via })),
    ...[...wanted]
      .filter(([cidr, via]) => current.get(cidr) !== via)
      .map(([cidr, via]) => ({ operation: "replace" as const, cidr, via })),
  ];
}

/** Parses the output of `ip -json route show proto N`. */
export function parseIpRoutes(json: string): Routes {
  const entries = JSON.parse(json === "" ? "[]" : json) as { dst?: string; gateway?: string }[];
  return new Map(
    entries.flatMap(({ dst, gateway }) =>
      dst === undefined || gateway === undefined ? [] : [[dst, gateway] as [string, string]],
    ),
  );
}
