import { describe, expect, it } from "vitest";
import { quantiles } from "./quantiles.ts";

describe("quantiles", () => {
  it("takes the nearest rank, and nothing of no values", () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(quantiles(values)).toEqual({ p50: 100, p95: 190, p99: 198, worst: 200 });
    expect(quantiles([7])).toEqual({ p50: 7, p95: 7, p99: 7, worst: 7 });
    expect(quantiles([])).toBeNull();
  });
});
