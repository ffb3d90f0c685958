import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isTooDeep, maxDepth } from "./json-depth.ts";

const nested = (depth: number, inside: string) => "[".repeat(depth) + inside + "]".repeat(depth);

describe("isTooDeep", () => {
  it("allows at most 64 levels, wherever they are", () => {
    expect(isTooDeep(nested(maxDepth, ""))).toBe(false);
    expect(isTooDeep(nested(maxDepth + 1, ""))).toBe(true);
    expect(isTooDeep(`{"a":[],"b":${nested(maxDepth, "")}}`)).toBe(true);
    expect(isTooDeep(`[${"[],".repeat(1000)}{}]`)).toBe(false);
  });

  it("counts no bracket of a string", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("[", "{", '"', "\\", "a"), minLength: 100 }), (text) => {
        expect(isTooDeep(nested(maxDepth, JSON.stringify(text)))).toBe(false);
        expect(isTooDeep(nested(maxDepth, `${JSON.stringify(text)},{}`))).toBe(true);
      }),
    );
  });
});
