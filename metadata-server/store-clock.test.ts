import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createManualClock } from "../test/fakes/manual-clock.ts";
import { openStoreClock } from "./store-clock.ts";

async function open(aheadMs: number, { isShared = true } = {}) {
  const host = createManualClock();
  const log: string[] = [];
  const write = (message: string, fields?: object) => void log.push(`${message} ${JSON.stringify(fields)}`);
  const store = { isShared, aheadMs, time: async () => host.now() - store.aheadMs };
  const clock = await openStoreClock(store, { host, logger: { info: write, warn: write, error: write } });
  return { host, log, store, clock };
}

describe("openStoreClock", () => {
  it("shows the store's time on a host whose clock is an hour ahead, and says so", async () => {
    const { host, clock, log } = await open(3_600_000);
    expect([clock.now(), clock.skewMs()]).toEqual([host.now() - 3_600_000, 3_600_000]);
    host.advance(500);
    expect(clock.now()).toBe(host.now() - 3_600_000);
    expect(log).toEqual([`This host's clock differs from the store's; set it (NTP) {"skewMs":3600000}`]);
  });

  it("says nothing of a small difference", async () => {
    const { clock, log } = await open(-400);
    expect([clock.skewMs(), log]).toEqual([-400, []]);
  });

  it("notices that the difference changes, and keeps the last one while the store is away", async () => {
    const { host, clock, store, log } = await open(0);
    const stop = new AbortController();
    const following = clock.follow(stop.signal);
    const nextRound = async () => {
      while (host.pending() === 0) await setImmediate();
      host.advance(10_000);
      while (host.pending() === 0) await setImmediate();
    };
    store.aheadMs = -7000;
    await nextRound();
    expect(clock.skewMs()).toBe(-7000);
    store.time = () => Promise.reject(new Error("away"));
    await nextRound();
    expect(clock.skewMs()).toBe(-7000);
    expect(log.at(-1)).toBe(`Cannot compare this host's clock with the store's; retrying {"error":"away"}`);
    stop.abort();
    await following;
  });

  it("shows the host's time if no other server uses the store", async () => {
    const { host, clock } = await open(5000, { isShared: false });
    expect([clock.now(), clock.skewMs()]).toEqual([host.now(), 0]);
    await clock.follow(new AbortController().signal);
  });
});
