import * as fc from "fast-check";
import { InvalidArgumentError } from "commander";
import { describe, expect, it } from "vitest";
import { parseDurationSeconds, parseLabel, parseWholeNumber } from "./flags.ts";

/** Its answer, or undefined where it refuses as commander wants it; anything else is thrown on. */
function answer<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof InvalidArgumentError) return undefined;
    throw error;
  }
}

const count = fc.nat(999_999_999);

describe("Flag parsers, for any text", () => {
  it("parse a duration with its unit, or refuse", () => {
    const units = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };
    fc.assert(
      fc.property(count, fc.constantFrom(...Object.keys(units)), (value, unit) => {
        expect(parseDurationSeconds(`${value}${unit}`)).toBe(value * units[unit as keyof typeof units]);
      }),
    );
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^\d{1,9}[smhd]?$/.test(text));
        expect(answer(() => parseDurationSeconds(text))).toBeUndefined();
      }),
    );
  });

  it("parse a whole number, or refuse", () => {
    fc.assert(fc.property(count, (value) => parseWholeNumber(String(value)) === value));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.integer({ max: -1 }).map(String)), (text) => {
        fc.pre(!/^\d{1,9}$/.test(text));
        expect(answer(() => parseWholeNumber(text))).toBeUndefined();
      }),
    );
  });

  it("parse a label whose value may hold anything, also =, and refuse a repeated name", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), (name, value) => {
        fc.pre(!name.includes("="));
        const labels = parseLabel(`${name}=${value}`);
        expect(Object.entries(labels)).toEqual([[name, value]]);
        expect(answer(() => parseLabel(`${name}=other`, labels))).toBeUndefined();
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => answer(() => parseLabel(`=${text}`)) === undefined));
  });
});
