import { describe, expect, it } from "vitest";
import { withoutUndefined } from "./without-undefined.ts";

describe("withoutUndefined", () => {
  it("drops undefined fields and keeps null, false and empty ones", () => {
    const fields = { name: undefined, uuid: null, isReady: false, labels: {}, serial: "" };
    expect(Object.entries(withoutUndefined(fields))).toEqual([
      ["uuid", null],
      ["isReady", false],
      ["labels", {}],
      ["serial", ""],
    ]);
  });
});
