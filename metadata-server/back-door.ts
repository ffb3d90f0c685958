import type { Config } from "./config.ts";
import { contains, parseSubnet } from "./clusters/subnet.ts";

/**
 * Whether a connection from a machine's network came to another address of this host than the one that machines are
 * told. Nodes keep their pods from that one address; a pod that tries another leaves its node under the node's own.
 */
export function isBackDoor(
  { remoteAddress, localAddress }: { remoteAddress?: string | undefined; localAddress?: string | undefined },
  { nspawnSubnet, nspawnServerAddress }: Pick<Config, "nspawnSubnet" | "nspawnServerAddress">,
): boolean {
  if (remoteAddress === undefined || remoteAddress === localAddress) return false;
  return contains(parseSubnet(nspawnSubnet), remoteAddress) && localAddress !== nspawnServerAddress;
}
