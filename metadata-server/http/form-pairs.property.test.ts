import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readFormPairs } from "./form-pairs.ts";

describe("readFormPairs", () => {
  const part = fc.oneof(
    fc.constantFrom("&", "=", "+", "%20", "%", "%zz", "%f0%9f", "mac", "😀", "\ud800"),
    fc.string(),
  );

  it("returns what URLSearchParams returns, for any text but a question mark at its beginning", () => {
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const form = parts.join("");
        expect(readFormPairs(form)).toEqual([...new URLSearchParams(`&${form}`)]);
      }),
      { numRuns: 1000 },
    );
  });

  it("reads 64 KiB of short pairs and emojis in little time", () => {
    const form = Buffer.from(`${"&a ".repeat(10_900)}${"😀".repeat(8000)}`)
      .subarray(0, 65_536)
      .toString();
    const before = process.threadCpuUsage();
    expect(readFormPairs(form)).toHaveLength(10_900);
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(200);
  });
});
