import { z } from "zod";
import { Pem } from "./credentials.ts";
import { Address } from "./network.ts";

/** The seed a machine starts from: where the server is, how to know it, and who one is to it. File mode 0600. */
export const Seed = z
  .strictObject({
    server: z.url({ protocol: /^https$/, error: "must be the server's https:// URL" }),
    /** The authority that nodes pin. */
    ca: Pem,
    capability: z.string().regex(/^[A-Za-z0-9_-]{43}$/, "must be 256 bits in base64url"),
    /** MAC of the interface that takes part in the cluster, where a machine has several. */
    mac: z.string().optional(),
    address: Address.optional(),
  })
  .meta({ id: "Seed" });
export type Seed = z.infer<typeof Seed>;
