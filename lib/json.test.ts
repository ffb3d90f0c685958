import { describe, expect, it } from "vitest";
import { parseJsonOrNothing } from "./json.ts";

describe("parseJsonOrNothing", () => {
  it("parses JSON", () => {
    expect(parseJsonOrNothing('{"a":[1,null]}')).toEqual({ a: [1, null] });
  });

  it.each(["", "{", "undefined", "{'a':1}"])("returns undefined for %j", (text) => {
    expect(parseJsonOrNothing(text)).toBeUndefined();
  });
});
