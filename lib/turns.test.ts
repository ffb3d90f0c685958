import { expect, it } from "vitest";
import { createTurns } from "./turns.ts";

it("a loop continues for ten milliseconds before others get their turn", async () => {
  let nowMs = 0;
  const turn = createTurns(() => nowMs);
  nowMs = 9;
  expect(turn()).toBeUndefined();
  nowMs = 10;
  const others: string[] = [];
  setImmediate(() => others.push("served"));
  await turn();
  expect(others).toEqual(["served"]);
  nowMs = 19;
  expect(turn()).toBeUndefined();
});
