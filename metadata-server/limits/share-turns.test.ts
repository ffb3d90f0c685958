import type { IncomingMessage, ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { shareTurns } from "./share-turns.ts";

const response = {} as ServerResponse;
const from = (remoteAddress: string | undefined, name = "", destroyed = false) =>
  ({ socket: { remoteAddress, destroyed }, url: name }) as unknown as IncomingMessage;

function record() {
  const begun: string[] = [];
  return { begun, answer: shareTurns((request) => begun.push(String(request.url))) };
}

it("sixteen requests of an address begin in a turn, and the others in the next ones, in their order", async () => {
  const { begun, answer } = record();
  for (let index = 0; index < 40; index += 1) answer(from("192.0.2.1", String(index)), response);
  expect(begun).toHaveLength(16);
  await nextTurn();
  expect(begun).toHaveLength(32);
  await nextTurn();
  expect(begun).toEqual(Array.from({ length: 40 }, (_, index) => String(index)));
});

it("an address with a burst does not make another one wait", async () => {
  const { begun, answer } = record();
  for (let index = 0; index < 40; index += 1) answer(from("192.0.2.1"), response);
  answer(from("192.0.2.2", "other"), response);
  expect(begun.at(-1)).toBe("other");
  await nextTurn();
  answer(from("192.0.2.2", "again"), response);
  expect(begun.at(-1)).toBe("again");
});

it("a request whose client has gone is not begun", async () => {
  const { begun, answer } = record();
  for (let index = 0; index < 16; index += 1) answer(from("192.0.2.1"), response);
  answer(from("192.0.2.1", "gone", true), response);
  await nextTurn();
  expect(begun).not.toContain("gone");
});

it("the server's own host has no bound", () => {
  const { begun, answer } = record();
  for (let index = 0; index < 40; index += 1) answer(from("127.0.0.1"), response);
  expect(begun).toHaveLength(40);
});
