import { createHash } from "node:crypto";
import type { Network } from "#api/network.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { checkMetadata, contains } from "../check-metadata.ts";
import { BootstrapError } from "../errors.ts";
import type { UserData } from "./document.ts";

export interface Launch {
  userData: UserData;
  /** Of the text, and of the instance that it was given to. */
  sha256: string;
  /** Of this node, of every control plane and of the domains, as they resolve now. */
  addresses: ReadonlyMap<string, string>;
  /** Of the image. */
  kubernetesVersion: string;
}

const apiServerPort = 6443;
const defaultServiceSubnet = "10.96.0.0/12";
/** Each node's pods live in one /24. */
const nodePrefix = 24;
const nodeAddresses = 256;

/**
 * The document that a metadata server would have given: names, roles and pod CIDRs follow from the lists, which are the
 * same on every node. Pure. Throws BootstrapError `invalid-input` where it does not agree with itself.
 */
export function toMetadata({ userData, sha256, addresses, kubernetesVersion }: Launch): NodeMetadata {
  const { self, controlPlanes, workers, apiServerDomain, deadlineSeconds } = userData;
  const names = [...controlPlanes, ...workers];
  const network = userData.network ?? defaultNetwork(names.length);
  const room = 2 ** (nodePrefix - Number(network.podSubnet.split("/")[1]));
  if (names.length > room)
    throw unusable(
      `/network/podSubnet: ${network.podSubnet} has room for ${Math.floor(room)} nodes, there are ${names.length}`,
    );
  if (contains(network.podSubnet, network.serviceSubnet) || contains(network.serviceSubnet, network.podSubnet))
    throw unusable("/network/serviceSubnet: overlaps /network/podSubnet");
  const addressOf = (name: string) => addresses.get(name) ?? "";
  const inside = [self.name, ...controlPlanes].filter((name) =>
    [network.podSubnet, network.serviceSubnet].some((subnet) => contains(subnet, `${addressOf(name)}/32`)),
  );
  if (inside.length > 0)
    throw unusable(
      [...new Set(inside)]
        .map((name) => `/network: ${addressOf(name)} (${name}) is a pod's or a service's address`)
        .join("; "),
    );
  const isFirst = controlPlanes[0] === self.name;
  const metadata: NodeMetadata = {
    allocation: `a-${toIdentifier(sha256)}`,
    cluster: {
      id: `c-${toIdentifier(JSON.stringify([apiServerDomain, controlPlanes]))}`,
      name: clusterName(controlPlanes[0] ?? ""),
      kubernetesVersion,
    },
    self: {
      ...self,
      address: addressOf(self.name),
      podCidr: nthNodeSubnet(network.podSubnet, names.indexOf(self.name)),
    },
    endpoint: `${apiServerDomain}:${apiServerPort}`,
    controlPlanes: controlPlanes.map((name) => ({ name, address: addressOf(name) })),
    network,
    join: self.role === "worker" ? "kubeadm" : "certificate",
    deadlineSeconds,
    ...(isFirst && { peers: names }),
  };
  checkMetadata(metadata);
  return metadata;
}

/** `build126` of `master01.build126.example.com`: how the cluster is called in kubeconfigs. */
function clusterName(first: string): string {
  const [label = "", parent] = first.split(".");
  return parent ?? label;
}

/** A /16 ends at 256 nodes. */
function defaultNetwork(nodes: number): Network {
  const bits = Math.max(0, Math.ceil(Math.log2(nodes / nodeAddresses)));
  return {
    plugin: "routes",
    podSubnet: `10.${bits === 0 ? 244 : 240}.0.0/${16 - bits}`,
    serviceSubnet: defaultServiceSubnet,
  };
}

function nthNodeSubnet(podSubnet: string, index: number): string {
  const [base = "", bits] = podSubnet.split("/");
  const address = base.split(".").reduce((number, octet) => number * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(bits));
  const nth = Math.floor(address / size) * size + index * nodeAddresses;
  return `${[24, 16, 8, 0].map((shift) => Math.floor(nth / 2 ** shift) % 256).join(".")}/${nodePrefix}`;
}

/** 80 bits in base32 (RFC 4648), the same for the same text: a machine that reboots is the same allocation. */
function toIdentifier(text: string): string {
  const bytes = createHash("sha256").update(text).digest();
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  return Array.from({ length: 16 }, (_, index) => alphabet[(bytes[index] ?? 0) % 32]).join("");
}

const unusable = (problem: string) => new BootstrapError("invalid-input", `Cannot use user-data: ${problem}`);
