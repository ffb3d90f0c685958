import { z } from "zod";

export const Cidr = z.cidrv4("must be an IPv4 CIDR such as 10.244.0.0/16").meta({ id: "Cidr" });
export const Address = z.ipv4("must be an IPv4 address").meta({ id: "Address" });
export const MacAddress = z
  .string()
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, "must be a lower-case MAC address such as 52:54:00:12:34:56")
  .meta({ id: "MacAddress" });

/** `routes`: every node routes its peers' pod CIDRs on one segment; nothing allocates CIDRs at run time. */
export const Network = z
  .strictObject({
    plugin: z.literal("routes"),
    podSubnet: Cidr,
    serviceSubnet: Cidr,
  })
  .meta({ id: "Network" });
export type Network = z.infer<typeof Network>;
