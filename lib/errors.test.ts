import { describe, expect, it } from "vitest";
import { messageOf } from "./errors.ts";

describe("messageOf", () => {
  it("returns an error's message", () => {
    expect(messageOf(new TypeError("no such machine"))).toBe("no such machine");
  });

  it("returns anything else as text", () => {
    expect([messageOf("busy"), messageOf(undefined)]).toEqual(["busy", "undefined"]);
  });
});
