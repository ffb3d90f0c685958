import { z } from "zod";
import { Pem } from "./credentials.ts";
import { Address, MacAddress } from "./network.ts";

/**
 * The server's URL: scheme, host and port only, because clients would silently drop the rest. Its parts are judged,
 * never its spelling, and it is kept as a URL parser spells it.
 */
export const ServerUrl = z
  .string("a URL such as https://192.0.2.10:8443")
  .refine((text) => URL.canParse(text), { abort: true })
  .refine((text) => new URL(text).protocol === "https:", { error: "a URL with https://", abort: true })
  .refine((text) => new URL(text).pathname === "/", "a URL without a path")
  .refine((text) => new URL(text).search === "", "a URL without a query")
  .refine((text) => new URL(text).hash === "", "a URL without a fragment")
  .refine((text) => new URL(text).username + new URL(text).password === "", "a URL without a user and password")
  .overwrite((text) => URL.parse(text)?.origin ?? text);

export const Capability = z.string("256 bits in base64url").regex(/^[A-Za-z0-9_-]{43}$/);

/** What a machine starts from: server, authority and capability. File mode 0600. */
export const Seed = z
  .strictObject({
    server: ServerUrl,
    /** The authority that nodes pin. */
    ca: Pem,
    capability: Capability,
    /** MAC of the interface that joins the cluster, if the machine has several. */
    mac: MacAddress.optional(),
    address: Address.optional(),
  })
  .meta({ id: "Seed" });
export type Seed = z.infer<typeof Seed>;
