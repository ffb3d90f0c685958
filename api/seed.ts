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
  .overwrite((text) => URL.parse(text)?.origin ?? text)
  .describe("URL of the metadata server, without a path");

export const Capability = z
  .string("256 bits in base64url")
  .regex(/^[A-Za-z0-9_-]{43}$/)
  .describe("Secret that makes its machine a member: 256 bits in base64url");

export const authorityPurpose = "Authority of the server's certificate, which nodes pin, in PEM";

/** What a machine starts from: server, authority and capability. File mode 0600. */
export const Seed = z
  .strictObject({
    server: ServerUrl,
    ca: Pem.describe(authorityPurpose),
    capability: Capability,
    mac: MacAddress.optional().describe("MAC of the interface that joins the cluster; absent if it was not planned"),
    address: Address.optional().describe("The node's address; absent if the machine reports its own"),
  })
  .meta({ id: "Seed" });
export type Seed = z.infer<typeof Seed>;
