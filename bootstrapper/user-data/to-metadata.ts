import { createHash } from "node:crypto";
import { defaultSubnets, nodePrefix } from "#api/network.ts";
import type { NodeMetadata } from "#api/node-metadata.ts";
import { capacity, contains, formatSubnet, nthSubnet, overlaps, parseSubnet } from "#lib/subnet.ts";
import { toBase32 } from "#lib/identifier.ts";
import { checkMetadata } from "../check/check-metadata.ts";
import { BootstrapError } from "../errors.ts";
import type { UserData } from "./document.ts";

interface Launch {
  userData: UserData;
  /** Over the text and the id of the instance that it was given to. */
  sha256: string;
  /** Addresses of this node, every control plane and the domains, as they resolve now. */
  addresses: ReadonlyMap<string, string>;
  /** The image's version. */
  kubernetesVersion: string;
}

const apiServerPort = 6443;

/**
 * Creates the document that a metadata server would have given. Names, roles and pod CIDRs follow from the lists, which
 * are the same on every node. Pure. Throws BootstrapError `invalid-input` if the document contradicts itself.
 */
export function toMetadata({ userData, sha256, addresses, kubernetesVersion }: Launch): NodeMetadata {
  const { self, controlPlanes, workers, apiServerDomain, deadlineSeconds } = userData;
  const names = [...controlPlanes, ...workers];
  const network = userData.network ?? { plugin: "routes", ...defaultSubnets(names.length) };
  const pods = parseSubnet(network.podSubnet);
  const services = parseSubnet(network.serviceSubnet);
  const room = capacity(pods, nodePrefix);
  if (names.length > room)
    throw unusable(`/network/podSubnet: Expected room for ${names.length} nodes, got room for ${room}`);
  if (overlaps(pods, services)) throw unusable("/network/serviceSubnet: Expected a subnet outside /network/podSubnet");
  const addressOf = (name: string) => addresses.get(name) ?? "";
  const inside = [self.name, ...controlPlanes].filter((name) =>
    [pods, services].some((subnet) => contains(subnet, parseSubnet(addressOf(name)))),
  );
  if (inside.length > 0)
    throw unusable(
      [...new Set(inside)].map((name) => `/network: Expected subnets without ${addressOf(name)} (${name})`).join("; "),
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
      podCidr: formatSubnet(nthSubnet(pods, { index: names.indexOf(self.name), prefix: nodePrefix })),
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

/** Returns `build126` for `master01.build126.example.com`: the cluster's name in kubeconfigs. */
function clusterName(first: string): string {
  const [label = "", parent] = first.split(".");
  return parent ?? label;
}

/** Returns 80 bits in base32, the same for the same text: a machine that reboots is the same allocation. */
const toIdentifier = (text: string) => toBase32(createHash("sha256").update(text).digest().subarray(0, 16));

const unusable = (problem: string) => new BootstrapError("invalid-input", `Cannot use user-data: ${problem}`);
