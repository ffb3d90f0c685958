import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  apiServiceAddress,
  capacity,
  clusterDnsAddress,
  contains,
  formatSubnet,
  nthAddress,
  nthSubnet,
  overlaps,
  parseSubnet,
} from "./subnet.ts";

const cidr = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat(32)).map(([address, prefix]) => `${address}/${prefix}`),
  fc.tuple(fc.ipV6(), fc.nat(128)).map(([address, prefix]) => `${address}/${prefix}`),
);

describe("parseSubnet", () => {
  it.each([
    ["10.244.1.9/16", "10.244.0.0/16"],
    ["10.77.0.3", "10.77.0.3/32"],
    ["0.0.0.0/0", "0.0.0.0/0"],
    ["FD00:0:0::1/64", "fd00::/64"],
    ["::1", "::1/128"],
  ])("reads %s as %s", (text, subnet) => {
    expect(formatSubnet(parseSubnet(text))).toBe(subnet);
  });

  it("reads what formatSubnet writes as the same subnet, and each address in its subnet", () => {
    fc.assert(
      fc.property(cidr, (text) => {
        const subnet = parseSubnet(text);
        expect(parseSubnet(formatSubnet(subnet))).toEqual(subnet);
        expect(contains(subnet, parseSubnet(text.split("/")[0]!))).toBe(true);
      }),
    );
  });

  it.each(["", "10.0.0.0/33", "10.0.0.300", "010.0.0.1", "10.0.0", "fd00::/129", "example.com"])(
    "refuses %j",
    (text) => {
      expect(() => parseSubnet(text)).toThrow(Error);
    },
  );
});

describe("contains", () => {
  it.each([
    ["10.244.0.0/16", "10.244.255.0/24", true],
    ["10.244.0.0/16", "10.244.0.0/16", true],
    ["10.244.0.0/16", "10.245.0.0/24", false],
    ["10.244.0.0/24", "10.244.0.0/16", false],
    ["0.0.0.0/0", "255.255.255.255", true],
    ["::/0", "10.0.0.1", false],
    ["fd00::/8", "fd12::1", true],
  ])("answers for %s and %s: %s", (outer, inner, expected) => {
    expect(contains(parseSubnet(outer), parseSubnet(inner))).toBe(expected);
  });
});

describe("overlaps", () => {
  it("returns true exactly if one subnet contains the other's first address, in either order", () => {
    fc.assert(
      fc.property(cidr, cidr, (a, b) => {
        const [one, other] = [parseSubnet(a), parseSubnet(b)];
        const [first, second] = [one, other].map((subnet) => parseSubnet(nthAddress(subnet, 0)));
        const inside = contains(one, second!) || contains(other, first!);
        expect([overlaps(one, other), overlaps(other, one)]).toEqual([inside, inside]);
      }),
    );
  });
});

describe("nthSubnet and capacity", () => {
  it("cuts a subnet into as many as fit, the last of which ends with it", () => {
    const pods = parseSubnet("10.244.0.0/16");
    expect([16, 24, 15].map((prefix) => capacity(pods, prefix))).toEqual([1, 256, 0]);
    expect(formatSubnet(nthSubnet(pods, { index: 255, prefix: 24 }))).toBe("10.244.255.0/24");
    expect(formatSubnet(nthSubnet(parseSubnet("fd00::/48"), { index: 3, prefix: 64 }))).toBe("fd00:0:0:3::/64");
  });
});

describe("Addresses in the service subnet", () => {
  it.each([
    ["10.96.0.0/12", "10.96.0.1", "10.96.0.10"],
    ["192.168.255.240/28", "192.168.255.241", "192.168.255.250"],
    // kubeadm counts from the first address, too, if host bits are set.
    ["192.168.255.248/28", "192.168.255.241", "192.168.255.250"],
    ["255.255.255.0/24", "255.255.255.1", "255.255.255.10"],
  ])("puts the API server and the DNS of %s at %s and %s", (cidrOfServices, api, dns) => {
    const services = parseSubnet(cidrOfServices);
    expect([apiServiceAddress(services), clusterDnsAddress(services)]).toEqual([api, dns]);
  });
});
