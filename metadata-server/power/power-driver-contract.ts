import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PowerDriver, PowerOutcome, PowerState } from "./power-driver.ts";

export interface DriverUnderTest {
  driver: PowerDriver;
  /** Whether the driver does it, or somebody is asked to. */
  kind: PowerOutcome["kind"];
  /** How often the driver did something to the machine. */
  changes(): number;
  destroy(): Promise<void>;
}

const actions = ["on", "off", "cycle", "bootFromNetwork"] as const;
const refuseToBoot = () => Promise.reject(new Error("not now"));
const signal = () => AbortSignal.timeout(10_000);

/** What every power driver keeps. The machine is off at first. */
export function describePowerDriver(name: string, open: () => Promise<DriverUnderTest>): void {
  describe(`power driver: ${name}`, () => {
    let under: DriverUnderTest;
    beforeEach(async () => {
      under = await open();
    });
    afterEach(async () => {
      await under.driver.close();
      await under.destroy();
    });

    const isNow = (state: PowerState) => (under.kind === "done" ? state : "unknown");

    it.for(actions)("tells what became of %s, in words for the timeline, however often it is asked", async (action) => {
      for (const _ of [1, 2]) {
        const outcome = await under.driver[action](signal());
        expect(outcome.kind).toBe(under.kind);
        expect(outcome.kind === "done" ? outcome.detail : outcome.instruction).toMatch(/^[A-Z].{5,}[^.]$/);
      }
    });

    it("has switched the machine when it says so", async () => {
      for (const [action, state] of [
        ["on", "on"],
        ["off", "off"],
        ["cycle", "on"],
        ["cycle", "on"],
        ["bootFromNetwork", "on"],
      ] as const) {
        await under.driver[action](signal());
        expect(await under.driver.state(signal())).toBe(isNow(state));
      }
    });

    it("waits before a boot, once, and not where nothing boots", async () => {
      const seen: PowerState[] = [];
      const beforeBoot = async () => void seen.push(await under.driver.state(signal()));
      await under.driver.on(signal(), beforeBoot);
      await under.driver.cycle(signal(), beforeBoot);
      await under.driver.bootFromNetwork(signal(), beforeBoot);
      expect(seen).toEqual([isNow("off"), isNow("off"), isNow("off")]);
      await under.driver.on(signal(), beforeBoot);
      expect(seen).toHaveLength(under.kind === "done" ? 3 : 4);
    });

    it("boots nothing where what is to be before it fails", async () => {
      await expect(under.driver.bootFromNetwork(signal(), refuseToBoot)).rejects.toThrow("not now");
      expect(await under.driver.state(signal())).toBe(isNow("off"));
    });

    it("changes nothing where it is so already", async () => {
      await under.driver.on(signal());
      const before = under.changes();
      await under.driver.on(signal());
      expect(under.changes()).toBe(before);
    });

    it.for([...actions, "state"] as const)("does no %s when the signal is aborted, and says why", async (action) => {
      const reason = new Error("no longer wanted");
      await expect(under.driver[action](AbortSignal.abort(reason))).rejects.toBe(reason);
      expect(under.changes()).toBe(0);
    });

    it("can be closed twice", async () => {
      await under.driver.state(signal());
      await under.driver.close();
      await expect(under.driver.close()).resolves.toBeUndefined();
    });
  });
}
