import { describe, expect, it } from "vitest";
import { AddressRange, isInRange, rangeSize } from "./address-range.ts";

describe("AddressRange", () => {
  it.each(["192.0.2.1", "192.0.2.1-", "192.0.2.1-192.0.2.2-192.0.2.3", "a-b", "192.0.2.1-192.0.2.2\nport=53"])(
    "refuses range %j",
    (range) => {
      expect(AddressRange.safeParse(range).success).toBe(false);
    },
  );
});

describe("rangeSize", () => {
  it("counts both ends", () => {
    expect(rangeSize({ first: "192.0.2.50", last: "192.0.2.59" })).toBe(10);
    expect(rangeSize({ first: "10.20.1.0", last: "10.20.255.255" })).toBe(65_280);
  });
});

describe("isInRange", () => {
  it("counts both ends as inside", () => {
    const range = { first: "192.0.2.50", last: "192.0.2.59" };
    const inside = ["192.0.2.49", "192.0.2.50", "192.0.2.59", "192.0.2.60"].map((address) => isInRange(range, address));
    expect(inside).toEqual([false, true, true, false]);
  });
});
