import type { Config } from "./config.ts";
import { contains, parseSubnet } from "#lib/subnet.ts";

/**
 * Says whether a connection from a machine's network uses another address of this host than the one that machines get.
 * Nodes block their pods from that one address; a pod that tries another reaches the server with its node's address.
 */
export function isBackDoor(
  { remoteAddress, localAddress }: { remoteAddress?: string | undefined; localAddress?: string | undefined },
  { nspawnSubnet, nspawnServerAddress }: Pick<Config, "nspawnSubnet" | "nspawnServerAddress">,
): boolean {
  if (remoteAddress === undefined || remoteAddress === localAddress) return false;
  return contains(nspawnSubnet, parseSubnet(remoteAddress)) && localAddress !== nspawnServerAddress;
}
