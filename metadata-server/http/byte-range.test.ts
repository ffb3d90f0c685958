import { describe, expect, it } from "vitest";
import { parseByteRange } from "./byte-range.ts";

describe("parseByteRange of a file of 1,000 bytes", () => {
  it.each([
    ["bytes=0-0", { start: 0, end: 0 }],
    ["bytes=10-", { start: 10, end: 999 }],
    ["bytes=990-2000", { start: 990, end: 999 }],
    ["bytes=-10", { start: 990, end: 999 }],
    ["bytes=-5000", { start: 0, end: 999 }],
    ["Bytes=1-2", { start: 1, end: 2 }],
  ])("parses %s", (header, range) => {
    expect(parseByteRange(header, 1000)).toEqual(range);
  });

  it.each(["bytes=1000-", "bytes=-0", "bytes=99999999999999999999-"])("calls %s unsatisfiable", (header) => {
    expect(parseByteRange(header, 1000)).toBe("unsatisfiable");
  });

  it.each([undefined, "", "bytes=", "bytes=-", "bytes=2-1", "bytes=a-b", "bytes=0-1,5-6", "lines=0-1", "bytes 0-1"])(
    "returns undefined for %s: the whole file is sent",
    (header) => {
      expect(parseByteRange(header, 1000)).toBeUndefined();
    },
  );

  it("calls every range of an empty file unsatisfiable", () => {
    expect(parseByteRange("bytes=0-0", 0)).toBe("unsatisfiable");
    expect(parseByteRange("bytes=-1", 0)).toBe("unsatisfiable");
  });
});
