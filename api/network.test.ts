import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Cidr } from "./network.ts";

describe("Cidr", () => {
  it("accepts every IPv4 address with a prefix of 0 to 32", () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.nat(32), (address, prefix) => {
        expect(Cidr.safeParse(`${address}/${prefix}`).success).toBe(true);
      }),
    );
  });

  it("refuses any other text", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^\d+\.\d+\.\d+\.\d+\/\d+$/.test(text));
        expect(Cidr.safeParse(text).success).toBe(false);
      }),
    );
  });
});
