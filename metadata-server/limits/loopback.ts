import { BlockList, isIPv6 } from "node:net";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");

/** Says whether a client runs on the server's own host. Without an address there is no connection to bound. */
export const isLocal = (address: string | null | undefined): boolean =>
  address === null || address === undefined || loopback.check(address, isIPv6(address) ? "ipv6" : "ipv4");
