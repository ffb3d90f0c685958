/** Which card has which address. Both as text; the MAC in lower case, with colons. */
export interface Holding {
  mac: string;
  address: string;
}

/** Reads the IPv4 leases of Ethernet cards from dnsmasq's lease file: `expiry MAC address name client-id` a line. */
export const parseLeases = (text: string): Holding[] =>
  text.split("\n").flatMap((line) => {
    const [, mac = "", address = ""] = line.split(" ");
    return isMac.test(mac) && isAddress.test(address) ? [{ mac, address }] : [];
  });

/** Reads the file that `formatHosts` writes. */
export const parseHosts = (text: string): Holding[] =>
  text.split("\n").flatMap((line) => {
    const [mac = "", address = ""] = line.split(",");
    return isMac.test(mac) && isAddress.test(address) ? [{ mac, address }] : [];
  });

/** Writes addresses for dnsmasq's `dhcp-hostsfile`: `MAC,address` a line. */
export const formatHosts = (holdings: readonly Holding[]): string =>
  holdings.map(({ mac, address }) => `${mac},${address}\n`).join("");

const isMac = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/;
const isAddress = /^\d+(\.\d+){3}$/;
