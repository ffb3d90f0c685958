import { describe, expect, it } from "vitest";
import { batch } from "./batch.ts";

const batchNumbers = (limit = 10) => {
  const batches: number[][] = [];
  const double = batch<number, number>(
    async (numbers) => {
      batches.push(numbers);
      if (numbers.includes(13)) throw new Error("unlucky");
      return numbers.map((number) => number * 2);
    },
    { keyOf: (number) => (number % 2 === 0 ? "even" : "odd"), limit },
  );
  return { batches, double };
};

describe("batch", () => {
  it("works on all items of one turn and key at once, and returns each its own result", async () => {
    const { batches, double } = batchNumbers();
    expect(await Promise.all([1, 2, 3, 4].map(double))).toEqual([2, 4, 6, 8]);
    expect(batches).toEqual([
      [1, 3],
      [2, 4],
    ]);
    await double(5);
    expect(batches.at(-1)).toEqual([5]);
  });

  it("collects at most `limit` items", async () => {
    const { batches, double } = batchNumbers(2);
    expect(await Promise.all([1, 3, 5, 7, 9].map(double))).toEqual([2, 6, 10, 14, 18]);
    expect(batches).toEqual([[1, 3], [5, 7], [9]]);
  });

  it("rejects every item of a failed batch and none of another", async () => {
    const { double } = batchNumbers();
    const outcomes = await Promise.allSettled([1, 13, 2].map(double));
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  });
});
