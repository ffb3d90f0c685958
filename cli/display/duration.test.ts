import { expect, it } from "vitest";
import { formatAge, formatDuration } from "./duration.ts";

it.for([
  [0, "0.00 s"],
  [-5, "0.00 s"],
  [1234, "1.23 s"],
  [9994, "9.99 s"],
  [9996, "10.0 s"],
  [119_940, "119.9 s"],
  [119_960, "2 min 00 s"],
  [185_000, "3 min 05 s"],
] as const)("%d ms read as %s", ([milliseconds, text]) => {
  expect(formatDuration(milliseconds)).toBe(text);
});

it.for([
  [-1, "0s"],
  [119_999, "119s"],
  [120_000, "2m"],
  [7_199_999, "119m"],
  [7_200_000, "2h"],
  [172_800_000, "2d"],
] as const)("an age of %d ms reads as %s", ([milliseconds, text]) => {
  expect(formatAge(milliseconds)).toBe(text);
});
