import { describe, expect, it } from "vitest";
import { createRepeatLimiter, type RepeatLimiter, type Trace } from "./repeat-limiter.ts";

const textOf = ({ events = [] }: Trace) => events.map(({ event }) => ("message" in event ? event.message : undefined));

const toEvent = (message: string) => ({ type: "cluster" as const, at: "", state: "ready" as const, message });

/** Calls once; returns what is written at once. */
function call(limiter: RepeatLimiter, { kind = "claim", text = "call", at = 0 } = {}) {
  const trace = (times: number): Trace => ({ events: [{ clusterId: "c-1", event: toEvent(`${text} ${times}`) }] });
  const repeat = limiter.take(kind, { at, trace });
  repeat.count();
  return textOf(repeat.trace);
}

const summarize = (limiter: RepeatLimiter, at: number) => limiter.summarize(at).flatMap(textOf);

describe("createRepeatLimiter", () => {
  it("writes the first two calls at once, and the number of the others once a minute", () => {
    const limiter = createRepeatLimiter();
    const written = Array.from({ length: 1001 }, (_, index) => call(limiter, { text: `number ${index + 1},` }));
    expect(written.flat()).toEqual(["number 1, 1", "number 2, 1"]);
    expect(summarize(limiter, 59_999)).toEqual([]);
    expect(summarize(limiter, 60_000)).toEqual(["number 1001, 999"]);
  });

  it("writes at most once a minute as long as calls come, and begins again after a minute without", () => {
    const limiter = createRepeatLimiter();
    const written: unknown[] = [];
    for (let second = 0; second < 300; second += 1) {
      written.push(...call(limiter, { at: second * 1000 }), ...summarize(limiter, second * 1000));
    }
    expect(written).toHaveLength(2 + 4);
    expect(summarize(limiter, 400_000)).toHaveLength(1);
    expect(summarize(limiter, 460_000)).toEqual([]);
    expect(call(limiter, { at: 460_000 })).toEqual(["call 1"]);
  });

  it("counts each kind on its own", () => {
    const limiter = createRepeatLimiter();
    for (let time = 0; time < 5; time += 1) call(limiter);
    expect(call(limiter, { kind: "confirm" })).toEqual(["call 1"]);
    expect(summarize(limiter, 60_000)).toEqual(["call 3"]);
  });

  it("takes a call again without counting it, because decisions are made again", () => {
    const limiter = createRepeatLimiter();
    const take = () => limiter.take("claim", { at: 0, trace: () => ({ audit: [] }) }).trace.audit;
    for (let time = 0; time < 10; time += 1) expect(take()).toEqual([]);
  });
});
