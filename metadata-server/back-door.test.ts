import { describe, expect, it } from "vitest";
import { parseSubnet } from "#lib/subnet.ts";
import { isBackDoor } from "./back-door.ts";

const config = { nspawnSubnet: parseSubnet("10.77.0.0/16"), nspawnServerAddress: "10.77.255.254" };

describe("isBackDoor", () => {
  it.each([
    ["a machine at the server's address", "10.77.3.11", "10.77.255.254", false],
    ["a machine, or a pod with its address, at the bridge's own address", "10.77.3.11", "10.77.3.1", true],
    ["a machine at the host's address in another network", "10.77.3.11", "192.0.2.1", true],
    ["the host itself, by any of its addresses", "10.77.3.1", "10.77.3.1", false],
    ["the host itself, over loopback", "127.0.0.1", "127.0.0.1", false],
    ["a platform from elsewhere", "192.0.2.7", "192.0.2.1", false],
  ])("decides for %s", (_, remoteAddress, localAddress, expected) => {
    expect(isBackDoor({ remoteAddress, localAddress }, config)).toBe(expected);
  });
});
