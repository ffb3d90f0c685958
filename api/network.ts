import { z } from "zod";

export const Cidr = z.cidrv4("an IPv4 CIDR such as 10.244.0.0/16").meta({ id: "Cidr", description: "IPv4 subnet" });
export const Address = z.ipv4("an IPv4 address").meta({ id: "Address", description: "IPv4 address" });
export const MacAddress = z
  .string("a lower-case MAC address such as 52:54:00:12:34:56")
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
  .meta({ id: "MacAddress", description: "MAC address in lower case, with colons" });

export const ManifestName = z
  .string("a file name of at most 63 characters, such as flannel.yaml")
  .max(63)
  .regex(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?\.ya?ml$/)
  .meta({ id: "ManifestName", description: "File name of a network manifest in an image" });

const NetworkPort = z
  .string("a port from 1 to 65535 and its protocol, such as 8472/udp")
  .regex(/^([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])\/(tcp|udp)$/)
  .meta({ id: "NetworkPort", description: "A port between nodes, such as VXLAN's `8472/udp`" });

export const NetworkPorts = z
  .array(NetworkPort)
  .min(1)
  .max(16)
  .describe("Ports that the plugin needs between every two nodes; Sprout only probes them");

/** Each node's pods live in one /24. */
export const nodePrefix = 24;

/**
 * Subnets of a cluster that names none. Pods: 10.244.0.0/16, the usual default, for up to 256 nodes. More nodes get a
 * subnet as wide as they need from 10.128.0.0 on, which overlaps no other default.
 */
export const defaultSubnets = (nodes: number) => ({
  podSubnet: nodes <= 256 ? "10.244.0.0/16" : `10.128.0.0/${nodePrefix - Math.ceil(Math.log2(nodes))}`,
  serviceSubnet: "10.96.0.0/12",
});

const subnets = {
  podSubnet: Cidr.describe("For all pods; each node has a /24 of it"),
  serviceSubnet: Cidr.describe("For all Services"),
};

/**
 * `routes`: every node routes its peers' pod CIDRs on one segment. `manifest`: a CNI plugin whose manifest is baked
 * into the image or part of the request. In both cases the plan sets a node's pod CIDR, in its Node's spec.
 */
export const Network = z
  .discriminatedUnion("plugin", [
    z.strictObject({
      plugin: z.literal("routes").describe("Sprout's own network agent routes between nodes on one segment"),
      ...subnets,
    }),
    z.strictObject({
      plugin: z.literal("manifest").describe("A CNI plugin, whose manifest the first control plane applies"),
      baked: ManifestName.optional().describe("The manifest's file in the image; absent if the request had a manifest"),
      ports: NetworkPorts.optional(),
      ...subnets,
    }),
  ])
  .meta({ id: "Network" });
export type Network = z.infer<typeof Network>;
