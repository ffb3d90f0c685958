import { expect, it } from "vitest";
import { clusterDnsAddress } from "./service-addresses.ts";

it.each([
  ["10.96.0.0/12", "10.96.0.10"],
  ["192.168.255.248/28", "192.169.0.2"],
  ["255.255.255.0/24", "255.255.255.10"],
])("the cluster DNS of %s is at %s", (subnet, address) => {
  expect(clusterDnsAddress(subnet)).toBe(address);
});
