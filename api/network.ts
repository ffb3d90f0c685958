import { z } from "zod";

export const Cidr = z.cidrv4("an IPv4 CIDR such as 10.244.0.0/16").meta({ id: "Cidr" });
export const Address = z.ipv4("an IPv4 address").meta({ id: "Address" });
export const MacAddress = z
  .string("a lower-case MAC address such as 52:54:00:12:34:56")
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
  .meta({ id: "MacAddress" });

/** File name of a network manifest in an image. */
export const ManifestName = z
  .string("a file name of at most 63 characters, such as flannel.yaml")
  .max(63)
  .regex(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?\.ya?ml$/)
  .meta({ id: "ManifestName" });

/** A port between nodes, such as VXLAN's `8472/udp`. */
const NetworkPort = z
  .string("a port from 1 to 65535 and its protocol, such as 8472/udp")
  .regex(/^([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])\/(tcp|udp)$/)
  .meta({ id: "NetworkPort" });

/** Ports that a plugin needs between every two nodes. Sprout only probes them; it opens and closes none. */
export const NetworkPorts = z.array(NetworkPort).min(1).max(16);

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

const subnets = { podSubnet: Cidr, serviceSubnet: Cidr };

/**
 * `routes`: every node routes its peers' pod CIDRs on one segment. `manifest`: a CNI plugin whose manifest is baked
 * into the image or part of the request. In both cases the plan sets a node's pod CIDR, in its Node's spec.
 */
export const Network = z
  .discriminatedUnion("plugin", [
    z.strictObject({ plugin: z.literal("routes"), ...subnets }),
    z.strictObject({
      plugin: z.literal("manifest"),
      baked: ManifestName.optional(),
      ports: NetworkPorts.optional(),
      ...subnets,
    }),
  ])
  .meta({ id: "Network" });
export type Network = z.infer<typeof Network>;
