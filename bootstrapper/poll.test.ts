import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { BootstrapError, RetryableError } from "./errors.ts";
import { deadlineSignal, poll, retryRequest } from "./poll.ts";

const failure = "Cannot see it";

/** Fails with each of these, then never answers until the signal aborts. */
function failing(errors: (Error | undefined)[], stop = new AbortController()) {
  const left = [...errors];
  const ask = async () => {
    const next = left.shift();
    if (left.length === 0) stop.abort();
    if (next !== undefined) throw next;
    return undefined;
  };
  return { ask, signal: stop.signal };
}

describe("poll", () => {
  it("returns the first answer, after errors and asks without one", async () => {
    const answers = [() => undefined, () => Promise.reject(new Error("down")), () => 7];
    const signal = new AbortController().signal;
    expect(await poll(async () => answers.shift()?.(), { signal, intervalMs: 1, failure })).toBe(7);
  });

  it("ends with the last error that was not an interruption when time is up", async () => {
    const { ask, signal } = failing([new Error("one"), new Error("two"), undefined, new Error("aborted")]);
    await expect(poll(ask, { signal, intervalMs: 1, failure })).rejects.toMatchObject({
      code: "kubernetes",
      message: "Cannot see it: two, and time is up",
    });
  });

  it("reports that there was no answer yet if the signal has aborted already", async () => {
    const options = { signal: AbortSignal.abort(), intervalMs: 1, failure };
    await expect(poll(async () => 1, options)).rejects.toThrow("Cannot see it: no answer yet, and time is up");
  });

  it("pauses twice as long as an attempt takes, so that a slow machine has time for its work", async () => {
    const starts: number[] = [];
    const ask = async () => {
      starts.push(performance.now());
      await delay(50);
      return starts.length === 3 ? "ready" : undefined;
    };
    await poll(ask, { signal: new AbortController().signal, intervalMs: 1, failure });
    const [first = 0, second = 0] = starts;
    expect(second - first).toBeGreaterThanOrEqual(145);
  });

  it("does not retry a BootstrapError", async () => {
    const error = new BootstrapError("preflight", "no containerd");
    const { ask, signal } = failing([error, undefined]);
    await expect(poll(ask, { signal, intervalMs: 1, failure })).rejects.toBe(error);
  });
});

const later = (message: string) => new RetryableError(message, { retryAfterMs: 0 });

describe("retryRequest", () => {
  it("names the first error and the last when time is up", async () => {
    const { ask, signal } = failing([later("refused"), later("status 503"), later("aborted")]);
    await expect(retryRequest(ask, { signal, failure: "Cannot ask" })).rejects.toMatchObject({
      code: "server-unreachable",
      message: "Cannot ask: status 503 (first: refused), and time is up",
    });
  });

  it("names one error once", async () => {
    const { ask, signal } = failing([later("refused"), later("refused"), later("aborted")]);
    await expect(retryRequest(ask, { signal, failure: "Cannot ask" })).rejects.toThrow(
      "Cannot ask: refused, and time is up",
    );
  });

  it("does not retry any other error", async () => {
    const { ask, signal } = failing([new Error("broken"), undefined]);
    await expect(retryRequest(ask, { signal, failure: "Cannot ask" })).rejects.toThrow("broken");
  });

  it("reports that nothing was tried if the signal has aborted already", async () => {
    const options = { signal: AbortSignal.abort(), failure: "Cannot ask" };
    await expect(retryRequest(async () => 1, options)).rejects.toThrow("Cannot ask: not tried yet, and time is up");
  });
});

describe("deadlineSignal", () => {
  it("takes seconds that are no whole milliseconds", () => {
    expect(deadlineSignal(1.001).aborted).toBe(false);
  });
});
