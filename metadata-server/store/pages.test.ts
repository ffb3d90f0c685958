import { describe, expect, it } from "vitest";
import { pages } from "./pages.ts";

/** Reads the numbers from 1 to `count` in pages of 3. Returns the pages, and how many reads it took. */
async function readAll(count: number) {
  let reads = 0;
  const read = async (after = 0) => {
    reads += 1;
    return Array.from({ length: Math.min(3, count - after) }, (_, index) => after + index + 1);
  };
  const found = await Array.fromAsync(pages({ read, pageSize: 3, cursorOf: (number) => number }));
  return { found, reads };
}

describe("pages", () => {
  it("yields every page, and stops after one that is not full", async () => {
    expect(await readAll(7)).toEqual({ found: [[1, 2, 3], [4, 5, 6], [7]], reads: 3 });
  });

  it("yields no empty page after a list that fills its last page", async () => {
    expect(await readAll(6)).toEqual({
      found: [
        [1, 2, 3],
        [4, 5, 6],
      ],
      reads: 3,
    });
  });

  it("yields nothing from an empty list", async () => {
    expect(await readAll(0)).toEqual({ found: [], reads: 1 });
  });
});
