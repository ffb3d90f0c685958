import { describe, expect, it } from "vitest";
import { createManualClock } from "../../test/fakes/manual-clock.ts";
import { createBackground, forEachConcurrently, repeat } from "./background.ts";

const silent = { info() {}, warn() {}, error() {} };
const never = new AbortController().signal;

describe("createBackground", () => {
  it("runs only one work with the same name at a time", async () => {
    const background = createBackground(silent);
    let starts = 0;
    const work = async () => {
      starts += 1;
      await new Promise(setImmediate);
    };
    background.start("a", work);
    background.start("a", work);
    background.start("b", work);
    await background.idle();
    expect(starts).toBe(2);
    background.start("a", work);
    await background.idle();
    expect(starts).toBe(3);
  });

  it("aborts work and waits for its end, and starts nothing after close", async () => {
    const background = createBackground(silent);
    let ended = false;
    const untilAborted = async (signal: AbortSignal) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      ended = true;
    };
    background.start("a", untilAborted);
    await background.stop("a");
    expect(ended).toBe(true);
    await background.close();
    background.start("a", async () => expect.fail("started after close"));
    await background.idle();
  });

  it("logs failures with the name of the work", async () => {
    const lines: unknown[] = [];
    const background = createBackground({ ...silent, error: (message, fields) => void lines.push([message, fields]) });
    background.start("launch c-1", async () => {
      throw new Error("broken");
    });
    await background.idle();
    expect(lines).toEqual([["Background work failed", { work: "launch c-1", error: "broken" }]]);
  });
});

describe("repeat", () => {
  it("works at once, then after each interval until the signal aborts, and reports failures", async () => {
    const clock = createManualClock();
    const stop = new AbortController();
    const failures: unknown[] = [];
    let runs = 0;
    const work = async () => {
      runs += 1;
      if (runs === 2) throw new Error("busy");
    };
    const onFailure = (error: unknown) => void failures.push(error);
    const done = repeat(work, { clock, intervalMs: 1000, signal: stop.signal, onFailure });
    for (const expected of [1, 2, 3]) {
      await new Promise(setImmediate);
      expect(runs).toBe(expected);
      clock.advance(1000);
    }
    stop.abort();
    await done;
    expect([clock.pending(), failures]).toEqual([0, [new Error("busy")]]);
  });
});

describe("forEachConcurrently", () => {
  it("never works on more items than the limit, and does all of them", async () => {
    let active = 0;
    let most = 0;
    const done: number[] = [];
    await forEachConcurrently([1, 2, 3, 4, 5, 6, 7], { limit: 3, signal: never }, async (item) => {
      most = Math.max(most, (active += 1));
      await new Promise(setImmediate);
      active -= 1;
      done.push(item);
    });
    expect([most, done.toSorted((one, other) => one - other)]).toEqual([3, [1, 2, 3, 4, 5, 6, 7]]);
  });

  it("does every item even if some fail, then rejects with the first failure", async () => {
    const done: number[] = [];
    const work = async (item: number) => {
      done.push(item);
      if (item % 2 === 0) throw new Error(`item ${item}`);
    };
    await expect(forEachConcurrently([1, 2, 3, 4, 5], { limit: 1, signal: never }, work)).rejects.toThrow("item 2");
    expect(done).toEqual([1, 2, 3, 4, 5]);
  });

  it("starts no further item after the signal aborts", async () => {
    const controller = new AbortController();
    const done: number[] = [];
    await forEachConcurrently([1, 2, 3], { limit: 1, signal: controller.signal }, async (item) => {
      done.push(item);
      controller.abort();
    });
    expect(done).toEqual([1]);
  });
});
