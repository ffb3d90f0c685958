import { describe, expect, it } from "vitest";
import { formatHosts, parseHosts, parseLeases } from "./leases.ts";

const held = (index: number, last: number) => ({ mac: `52:54:00:00:00:0${index}`, address: `192.0.2.${last}` });

describe("parseLeases", () => {
  it("reads IPv4 leases of Ethernet cards, and nothing else", () => {
    const text = `1765000000 52:54:00:00:00:01 192.0.2.57 node01 01:52:54:00:00:00:01
0 52:54:00:00:00:02 192.0.2.58 * *
1765000000 06-80:00:00 192.0.2.59 * *
duid 00:01:00:01
1765000000 16 fd99::1 * 00:01
`;
    expect(parseLeases(text)).toEqual([held(1, 57), held(2, 58)]);
  });
});

describe("formatHosts", () => {
  it("writes what parseHosts reads", () => {
    expect(formatHosts([held(1, 50)])).toBe("52:54:00:00:00:01,192.0.2.50\n");
    expect(parseHosts(formatHosts([held(1, 50), held(2, 51)]))).toEqual([held(1, 50), held(2, 51)]);
    expect(parseHosts("nonsense\n\n")).toEqual([]);
  });
});
