import type { CreateCluster } from "#api/cluster.ts";
import type { Network } from "#api/network.ts";
import { DomainError } from "../errors.ts";
import { capacity, contains, formatSubnet, nthSubnet, overlaps, parseSubnet, type Subnet } from "./subnet.ts";

/** Each node's pods live in one /24. */
const nodePrefix = 24;
const defaultServiceSubnet = "10.96.0.0/12";
/** Never usable for pods or services: this network, loopback, link-local, multicast and reserved. */
const unusable = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"].map(parseSubnet);

type FieldError = { pointer: string; detail: string };

export interface NetworkPlan {
  network: Network;
  /** One for each node, in the order of the members. */
  podCidrs: string[];
}

/** Throws DomainError `invalid-request` with every field that cannot be used. */
export function planNetwork(request: CreateCluster["network"], nodes: number): NetworkPlan {
  const podSubnet = request?.podSubnet ?? defaultPodSubnet(nodes);
  const serviceSubnet = request?.serviceSubnet ?? defaultServiceSubnet;
  const pods = parseSubnet(podSubnet);
  const services = parseSubnet(serviceSubnet);
  const errors = [
    ...subnetErrors("/network/podSubnet", podSubnet),
    ...subnetErrors("/network/serviceSubnet", serviceSubnet),
    ...podCapacityErrors(pods, nodes),
    ...serviceSizeErrors(services),
    ...overlapErrors(pods, services),
  ];
  if (errors.length > 0) throw new DomainError("invalid-request", "Cannot plan cluster network", { errors });
  const podCidrs = Array.from({ length: nodes }, (_, index) =>
    formatSubnet(nthSubnet(pods, { index, prefix: nodePrefix })),
  );
  const subnets = { podSubnet, serviceSubnet };
  if (request?.plugin !== "manifest") return { network: { plugin: "routes", ...subnets }, podCidrs };
  const { baked, ports } = request;
  return { network: { plugin: "manifest", ...(baked && { baked }), ...(ports && { ports }), ...subnets }, podCidrs };
}

/** Machines must not have addresses that pods or services use. */
export function refuseAddressesInside(network: Network, addresses: string[]): void {
  const errors = (["podSubnet", "serviceSubnet"] as const).flatMap((field) => {
    const taken = addresses.find((address) => contains(parseSubnet(network[field]), address));
    return taken === undefined
      ? []
      : [{ pointer: `/network/${field}`, detail: `${network[field]} contains the machine address ${taken}` }];
  });
  if (errors.length > 0) throw new DomainError("invalid-request", "Cannot plan cluster network", { errors });
}

/** The same of machines whose addresses are only known once they are launched. */
export function refuseSubnetsInside(network: Network, subnets: readonly string[]): void {
  const errors = (["podSubnet", "serviceSubnet"] as const).flatMap((field) => {
    const taken = subnets.find((subnet) => overlaps(parseSubnet(network[field]), parseSubnet(subnet)));
    const detail = `${network[field]} overlaps the machines' subnet ${taken}`;
    return taken === undefined ? [] : [{ pointer: `/network/${field}`, detail }];
  });
  if (errors.length > 0) throw new DomainError("invalid-request", "Cannot plan cluster network", { errors });
}

/** 10.244.0.0/16 as everywhere, up to its 256 nodes; above, as wide as needed where nothing else of the defaults is. */
function defaultPodSubnet(nodes: number): string {
  if (nodes <= 256) return "10.244.0.0/16";
  return `10.128.0.0/${nodePrefix - Math.ceil(Math.log2(nodes))}`;
}

function subnetErrors(pointer: string, cidr: string): FieldError[] {
  const subnet = parseSubnet(cidr);
  if (formatSubnet(subnet) !== cidr)
    return [{ pointer, detail: `${cidr} has host bits set; the network is ${formatSubnet(subnet)}` }];
  const bad = unusable.find((range) => overlaps(range, subnet));
  return bad === undefined ? [] : [{ pointer, detail: `${cidr} overlaps ${formatSubnet(bad)}, which is not usable` }];
}

function podCapacityErrors(pods: Subnet, nodes: number): FieldError[] {
  const room = capacity(pods, nodePrefix);
  if (room >= nodes) return [];
  const detail = `${formatSubnet(pods)} has room for ${room} nodes of a /${nodePrefix} each, the cluster has ${nodes}`;
  return [{ pointer: "/network/podSubnet", detail }];
}

/** The API server takes 20 host bits at most; kubeadm wants ten addresses. */
function serviceSizeErrors(services: Subnet): FieldError[] {
  if (services.prefix >= 12 && services.prefix <= 28) return [];
  const detail = `${formatSubnet(services)} must be between /12 and /28`;
  return [{ pointer: "/network/serviceSubnet", detail }];
}

function overlapErrors(pods: Subnet, services: Subnet): FieldError[] {
  if (!overlaps(pods, services)) return [];
  const detail = `${formatSubnet(pods)} overlaps the service subnet ${formatSubnet(services)}`;
  return [{ pointer: "/network/podSubnet", detail }];
}
