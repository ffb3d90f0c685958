import { describe, expect, it } from "vitest";
import { toBase32 } from "./identifier.ts";

describe("toBase32", () => {
  it("returns one character for each byte, from its lower five bits", () => {
    expect(toBase32(Uint8Array.of(0, 25, 26, 31, 32, 255))).toBe("az27a7");
  });

  it("uses the alphabet of RFC 4648 in lower case", () => {
    expect(toBase32(Uint8Array.from({ length: 32 }, (_, index) => index))).toBe("abcdefghijklmnopqrstuvwxyz234567");
  });
});
