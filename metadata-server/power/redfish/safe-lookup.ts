import { lookup as lookUpName } from "node:dns";
import type { LookupFunction } from "node:net";
import { isLinkLocal } from "#lib/link-local.ts";
import { PowerError } from "../power-error.ts";

/**
 * Looks up a controller's name, and refuses one that leads to a link-local address: there a cloud's instance metadata
 * answers, and its words would be on the timeline. Fails with PowerError `rejected`.
 */
export const createSafeLookup =
  (lookUp: LookupFunction = lookUpName): LookupFunction =>
  (host, options, done) =>
    lookUp(host, options, (error, found, family) => {
      const addresses = typeof found === "string" ? [found] : (found ?? []).map(({ address }) => address);
      const refused = addresses.find(isLinkLocal);
      if (refused === undefined) done(error, found, family);
      else done(refuseLinkLocal(`${host} leads to ${refused},`), []);
    });

export const refuseLinkLocal = (what: string) =>
  new PowerError("rejected", `${what} a link-local address; nothing was sent there; set the controller's own address`);
