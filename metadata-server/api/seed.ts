import { z } from "zod";
import { Pem } from "./credentials.ts";
import { Address, MacAddress } from "./network.ts";

/** Scheme, host and port; anything more would be dropped without a word. */
export const ServerUrl = z
  .string()
  .refine((text) => URL.parse(text)?.protocol === "https:", { error: "must be the server's https:// URL", abort: true })
  .refine((text) => text.replace(/\/$/, "") === new URL(text).origin, "must have no path, query or user");

export const Capability = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "must be 256 bits in base64url");

/** The seed a machine starts from: where the server is, how to know it, and who one is to it. File mode 0600. */
export const Seed = z
  .strictObject({
    server: ServerUrl,
    /** The authority that nodes pin. */
    ca: Pem,
    capability: Capability,
    /** MAC of the interface that takes part in the cluster, where a machine has several. */
    mac: MacAddress.optional(),
    address: Address.optional(),
  })
  .meta({ id: "Seed" });
export type Seed = z.infer<typeof Seed>;
