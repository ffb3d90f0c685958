import { PassThrough } from "node:stream";
import { finished } from "node:stream/promises";
import { expect, it } from "vitest";
import { openLifeline } from "./lifeline.ts";

async function end(...said: string[]): Promise<boolean> {
  const input = new PassThrough();
  const { lost } = openLifeline(input);
  for (const text of said) input.write(text);
  expect(lost.aborted).toBe(false);
  input.end();
  await finished(input);
  return lost.aborted;
}

it("a pipe that closes is a lost lifeline", async () => {
  expect(await end()).toBe(true);
  expect(await end("something else\n")).toBe(true);
});

it("a pipe that closes after `keep` is no lost lifeline, even if `keep` came in pieces", async () => {
  expect(await end("keep\n")).toBe(false);
  expect(await end("ke", "ep\n")).toBe(false);
});

it("only a whole line `keep` counts", async () => {
  expect(await end("keeper\n")).toBe(true);
  expect(await end("do not keep\n")).toBe(true);
});
