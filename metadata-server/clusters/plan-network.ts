import type { CreateCluster } from "#api/create-cluster.ts";
import { mismatch } from "#api/field-errors.ts";
import { defaultSubnets, type Network, nodePrefix } from "#api/network.ts";
import type { FieldError } from "#api/problem.ts";
import {
  capacity,
  contains,
  formatSubnet,
  nthAddress,
  nthSubnet,
  overlaps,
  parseSubnet,
  type Subnet,
} from "#lib/subnet.ts";
import { DomainError } from "../errors.ts";

/** Never usable for machines, pods or services: this network, loopback, link-local, multicast and reserved. */
const unusable = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"].map(parseSubnet);

export interface ClusterSubnets {
  pods: Subnet;
  services: Subnet;
}

interface NetworkPlan extends ClusterSubnets {
  /** The same subnets as text, with their plugin. */
  network: Network;
  /** One for each node, in the order of the members. */
  podCidrs: string[];
}

/** Plans a cluster's network. Throws DomainError `invalid-request` with every field that cannot be used. */
export function planNetwork(request: CreateCluster["network"], nodes: number): NetworkPlan {
  const defaults = defaultSubnets(nodes);
  const { podSubnet = defaults.podSubnet, serviceSubnet = defaults.serviceSubnet } = request ?? {};
  const pods = parseSubnet(podSubnet);
  const services = parseSubnet(serviceSubnet);
  throwErrors([
    ...subnetErrors(podsPointer, pods, podSubnet),
    ...subnetErrors(servicesPointer, services, serviceSubnet),
    ...podCapacityErrors(pods, nodes),
    ...serviceSizeErrors(services),
    ...overlapErrors(pods, services),
  ]);
  const podCidrs = Array.from({ length: nodes }, (_, index) =>
    formatSubnet(nthSubnet(pods, { index, prefix: nodePrefix })),
  );
  return { pods, services, podCidrs, network: toNetwork(request, { podSubnet, serviceSubnet }) };
}

/** Refuses machines with addresses that pods or services use. Throws DomainError `invalid-request`. */
export function refuseAddressesInside(subnets: ClusterSubnets, addresses: readonly string[]): void {
  const machines = addresses.map(parseSubnet);
  refuseOverlaps(subnets, machines, (taken) => `a subnet without the machine address ${nthAddress(taken, 0)}`);
}

/** The same for a cluster that exists. Throws DomainError `invalid-request`. */
export const refuseAddresses = ({ podSubnet, serviceSubnet }: Network, addresses: readonly string[]): void =>
  refuseAddressesInside({ pods: parseSubnet(podSubnet), services: parseSubnet(serviceSubnet) }, addresses);

/** Returns the range that makes an address unusable for a machine of this network; undefined if it can have it. */
export function describeReserved({ podSubnet, serviceSubnet }: Network, address: string): string | undefined {
  const machine = parseSubnet(address);
  if (contains(parseSubnet(podSubnet), machine)) return `the pod subnet ${podSubnet}`;
  if (contains(parseSubnet(serviceSubnet), machine)) return `the service subnet ${serviceSubnet}`;
  const range = unusable.find((reserved) => contains(reserved, machine));
  return range && `${formatSubnet(range)}, which is reserved`;
}

/** Refuses subnets of machines whose addresses are only known once they are launched. */
export function refuseSubnetsInside(subnets: ClusterSubnets, machines: readonly Subnet[]): void {
  refuseOverlaps(subnets, machines, (taken) => `a subnet outside the machines' subnet ${formatSubnet(taken)}`);
}

function refuseOverlaps(
  { pods, services }: ClusterSubnets,
  machines: readonly Subnet[],
  describe: (taken: Subnet) => string,
): void {
  const errors = Object.entries({ [podsPointer]: pods, [servicesPointer]: services }).flatMap(([pointer, subnet]) => {
    const taken = machines.find((machine) => overlaps(subnet, machine));
    return taken === undefined ? [] : [{ pointer, detail: mismatch(describe(taken), formatSubnet(subnet)) }];
  });
  throwErrors(errors);
}

const podsPointer = "/network/podSubnet";
const servicesPointer = "/network/serviceSubnet";

function throwErrors(errors: FieldError[]) {
  if (errors.length > 0) throw new DomainError("invalid-request", "Cannot plan cluster network", { errors });
}

function toNetwork(request: CreateCluster["network"], subnets: Pick<Network, "podSubnet" | "serviceSubnet">): Network {
  if (request?.plugin !== "manifest") return { plugin: "routes", ...subnets };
  const { baked, ports } = request;
  return { plugin: "manifest", ...(baked && { baked }), ...(ports && { ports }), ...subnets };
}

function subnetErrors(pointer: string, subnet: Subnet, cidr: string): FieldError[] {
  if (formatSubnet(subnet) !== cidr)
    return [{ pointer, detail: mismatch(`a subnet without host bits such as ${formatSubnet(subnet)}`, cidr) }];
  const bad = unusable.find((range) => overlaps(range, subnet));
  return bad === undefined
    ? []
    : [{ pointer, detail: mismatch(`a subnet outside ${formatSubnet(bad)}, which is reserved`, cidr) }];
}

function podCapacityErrors(pods: Subnet, nodes: number): FieldError[] {
  const room = capacity(pods, nodePrefix);
  if (room >= nodes) return [];
  const needed = `a subnet with a /${nodePrefix} for each of ${nodes} nodes`;
  return [{ pointer: podsPointer, detail: `${mismatch(needed, formatSubnet(pods))}, which has room for ${room}` }];
}

/** The API server takes 20 host bits at most; kubeadm wants ten addresses. */
function serviceSizeErrors(services: Subnet): FieldError[] {
  if (services.prefix >= 12 && services.prefix <= 28) return [];
  return [{ pointer: servicesPointer, detail: mismatch("a subnet between /12 and /28", formatSubnet(services)) }];
}

function overlapErrors(pods: Subnet, services: Subnet): FieldError[] {
  if (!overlaps(pods, services)) return [];
  const detail = mismatch(`a subnet outside the service subnet ${formatSubnet(services)}`, formatSubnet(pods));
  return [{ pointer: podsPointer, detail }];
}
