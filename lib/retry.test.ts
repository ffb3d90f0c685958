import { describe, expect, it } from "vitest";
import { createManualClock } from "../test/fakes/manual-clock.ts";
import { retry, type RetryOptions } from "./retry.ts";

const start = Date.parse("2026-01-02T03:04:05.000Z");

/** Runs retries on a clock that jumps to the end of each pause. Attempts fail with these errors, then return "done". */
function run(errors: readonly unknown[], options: Partial<RetryOptions> = {}) {
  const clock = createManualClock(start);
  const pauses: number[] = [];
  let attempts = 0;
  const jumping = {
    now: () => clock.now(),
    schedule(delayMs: number, callback: () => void) {
      pauses.push(delayMs);
      const cancel = clock.schedule(delayMs, callback);
      queueMicrotask(() => clock.advance(delayMs));
      return cancel;
    },
  };
  const attempt = async () => {
    attempts += 1;
    if (attempts <= errors.length) throw errors[attempts - 1];
    return "done";
  };
  const result = retry(attempt, { clock: jumping, delays: { firstMs: 100 }, ...options });
  return { result, pauses, attempts: () => attempts };
}

const many = Array.from({ length: 8 }, (_, index) => new Error(`attempt ${index + 1}`));

describe("retry", () => {
  it("returns the first result, and does not pause before it", async () => {
    const { result, pauses, attempts } = run([]);
    await expect(result).resolves.toBe("done");
    expect([attempts(), pauses]).toEqual([1, []]);
  });

  it("doubles the pauses up to the longest", async () => {
    const { result, pauses } = run(many.slice(0, 5), { delays: { firstMs: 100, longestMs: 500 } });
    await expect(result).resolves.toBe("done");
    expect(pauses).toEqual([100, 200, 400, 500, 500]);
  });

  it("pauses at a constant interval with the factor 1", async () => {
    const { result, pauses } = run(many.slice(0, 3), { delays: { firstMs: 50, factor: 1 } });
    await result;
    expect(pauses).toEqual([50, 50, 50]);
  });

  it("multiplies each pause by a random factor between the bounds of the jitter", async () => {
    const randoms = [0, 1, 0.5];
    const random = () => randoms.shift() ?? 0;
    const { result, pauses } = run(many.slice(0, 3), { delays: { firstMs: 100, jitter: [0.5, 1.5] }, random });
    await result;
    expect(pauses).toEqual([50, 300, 400]);
  });

  it("takes the pause that an error asks for, and counts it as an attempt", async () => {
    const delayFor = (error: unknown) => (error === many[1] ? 7 : undefined);
    const { result, pauses } = run(many.slice(0, 3), { delayFor });
    await result;
    expect(pauses).toEqual([100, 7, 400]);
  });

  it("throws an error that is not retriable at once", async () => {
    const { result, attempts } = run(many, { isRetriable: (error) => error !== many[1] });
    await expect(result).rejects.toBe(many[1]);
    expect(attempts()).toBe(2);
  });

  it("throws the last error after the most attempts", async () => {
    const { result, attempts } = run(many, { maxAttempts: 3 });
    await expect(result).rejects.toBe(many[2]);
    expect(attempts()).toBe(3);
  });

  it("begins no attempt after the deadline", async () => {
    const { result, attempts } = run(many, { delays: { firstMs: 100, factor: 1 }, deadlineMs: 250 });
    await expect(result).rejects.toBe(many[3]);
    expect(attempts()).toBe(4);
  });

  it("reports each failure with the pause that follows, and waits for the report", async () => {
    const seen: [unknown, number][] = [];
    const onFailure = async ({ error, delayMs }: { error: unknown; delayMs: number }) => {
      await Promise.resolve();
      seen.push([error, delayMs]);
    };
    const { result } = run(many.slice(0, 2), { onFailure });
    await result;
    expect(seen).toEqual([
      [many[0], 100],
      [many[1], 200],
    ]);
  });

  it("throws what onFailure throws", async () => {
    const broken = new Error("disk full");
    const { result, attempts } = run(many, { onFailure: () => Promise.reject(broken) });
    await expect(result).rejects.toBe(broken);
    expect(attempts()).toBe(1);
  });

  describe("retry with a signal", () => {
    it("makes no attempt if the signal has aborted already", async () => {
      const { result, attempts } = run([], { signal: AbortSignal.abort(new Error("closed")) });
      await expect(result).rejects.toThrow("closed");
      expect(attempts()).toBe(0);
    });

    it("ends the pause when the signal aborts, with the last error", async () => {
      const clock = createManualClock();
      const stop = new AbortController();
      const result = retry(() => Promise.reject(many[0]), {
        clock,
        signal: stop.signal,
        delays: { firstMs: 1000 },
        onFailure: () => queueMicrotask(() => stop.abort()),
      });
      await expect(result).rejects.toBe(many[0]);
      expect(clock.pending()).toBe(0);
    });

    it("throws the error before an attempt that the signal interrupted", async () => {
      const stop = new AbortController();
      let attempts = 0;
      const attempt = async () => {
        attempts += 1;
        if (attempts === 2) stop.abort();
        throw many[attempts - 1];
      };
      await expect(retry(attempt, { signal: stop.signal, delays: { firstMs: 1 } })).rejects.toBe(many[0]);
    });
  });
});
