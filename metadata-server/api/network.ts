import { z } from "zod";

export const Cidr = z.cidrv4("must be an IPv4 CIDR such as 10.244.0.0/16").meta({ id: "Cidr" });
export const Address = z.ipv4("must be an IPv4 address").meta({ id: "Address" });
export const MacAddress = z
  .string()
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, "must be a lower-case MAC address such as 52:54:00:12:34:56")
  .meta({ id: "MacAddress" });

/** File name of a network manifest in an image. */
export const ManifestName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-.a-z0-9]*[a-z0-9])?\.ya?ml$/, "must be a file name such as flannel.yaml")
  .meta({ id: "ManifestName" });

/** A port between nodes, such as VXLAN's `8472/udp`. */
export const NetworkPort = z
  .string()
  .regex(/^[1-9]\d{0,4}\/(tcp|udp)$/, { error: "must be a port and its protocol such as 8472/udp", abort: true })
  .refine((text) => Number(text.split("/")[0]) <= 65_535, "must be a port of at most 65535")
  .meta({ id: "NetworkPort" });

/** What a plugin needs between every two nodes; asked before the cluster is up, closed by nobody. */
export const NetworkPorts = z.array(NetworkPort).min(1).max(16);

const subnets = { podSubnet: Cidr, serviceSubnet: Cidr };

/**
 * `routes`: every node routes its peers' pod CIDRs on one segment. `manifest`: what a manifest brings, baked into the
 * image or given with the cluster. With both, nodes have their pod CIDRs from the plan, in their Node's spec.
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
