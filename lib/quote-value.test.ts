import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quoteValue } from "./quote-value.ts";

describe("quoteValue", () => {
  it.each<[unknown, string]>([
    [undefined, "nothing"],
    [null, "null"],
    [0, "0"],
    [Number.POSITIVE_INFINITY, "Infinity"],
    [true, "true"],
    ["", '""'],
    ["10.244", '"10.244"'],
    ['say "no"', String.raw`"say \"no\""`],
    ["a".repeat(40), `"${"a".repeat(40)}"`],
    ["a".repeat(41), `"${"a".repeat(39)}…"`],
    ["😀".repeat(41), `"${"😀".repeat(39)}…"`],
    ["\u001B[2J\n", String.raw`"\u001b[2J\n"`],
    ["\u009B\u202E\u2028\uD800", String.raw`"\u009b\u202e\u2028\ud800"`],
    [[], "an empty list"],
    [["secret"], "a list"],
    [{ password: "secret" }, "an object"],
  ])("writes %j as %s", (value, text) => {
    expect(quoteValue(value)).toBe(text);
  });

  it("returns a printable JSON string of at most 40 characters for every text", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0x10_ff_ff)), (codePoints) => {
        const quoted = quoteValue(String.fromCodePoint(...codePoints));
        expect(quoted).toMatch(/^"[^\p{C}\p{Zl}\p{Zp}]*"$/u);
        expect(Array.from(JSON.parse(quoted) as string).length).toBeLessThanOrEqual(40);
      }),
    );
  });
});
