import { describe, expect, it } from "vitest";
import { gather } from "./gather.ts";

const gatherNumbers = (limit = 10) => {
  const batches: number[][] = [];
  const double = gather<number, number>(
    async (numbers) => {
      batches.push(numbers);
      if (numbers.includes(13)) throw new Error("unlucky");
      return numbers.map((number) => number * 2);
    },
    { keyOf: (number) => (number % 2 === 0 ? "even" : "odd"), limit },
  );
  return { batches, double };
};

describe("gather", () => {
  it("does at once what is asked for in one turn under one key, and answers each", async () => {
    const { batches, double } = gatherNumbers();
    expect(await Promise.all([1, 2, 3, 4].map(double))).toEqual([2, 4, 6, 8]);
    expect(batches).toEqual([
      [1, 3],
      [2, 4],
    ]);
    await double(5);
    expect(batches.at(-1)).toEqual([5]);
  });

  it("gathers no more than its limit", async () => {
    const { batches, double } = gatherNumbers(2);
    expect(await Promise.all([1, 3, 5, 7, 9].map(double))).toEqual([2, 6, 10, 14, 18]);
    expect(batches).toEqual([[1, 3], [5, 7], [9]]);
  });

  it("fails all of a batch, and none of another", async () => {
    const { double } = gatherNumbers();
    const outcomes = await Promise.allSettled([1, 13, 2].map(double));
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  });
});
