import { describe, expect, it } from "vitest";
import { isLinkLocal } from "./link-local.ts";

describe("isLinkLocal", () => {
  it.for([
    "169.254.0.0",
    "169.254.169.254",
    "169.254.255.255",
    "fe80::1",
    "[febf::1]",
    "fe80::1%eth0",
    "::ffff:169.254.169.254",
    "[::ffff:a9fe:a9fe]",
    "::169.254.169.254",
    "::ffff:0:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
  ])("recognises %s", (address) => {
    expect(isLinkLocal(address)).toBe(true);
  });

  it.for([
    "169.253.255.255",
    "169.255.0.0",
    "10.0.0.1",
    "fec0::1",
    "::ffff:10.0.0.1",
    "::1",
    "bmc17",
    "169.254.bmc",
    "",
  ])("accepts %j", (address) => {
    expect(isLinkLocal(address)).toBe(false);
  });
});
