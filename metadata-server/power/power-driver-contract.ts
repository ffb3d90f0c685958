import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bootFromNetwork } from "./network-boot.ts";
import type { PowerDriver, PowerOutcome, PowerState } from "./power-driver.ts";

export interface DriverUnderTest {
  driver: PowerDriver;
  /** Whether the driver does it, or somebody is asked to. */
  kind: PowerOutcome["kind"];
  /** How often the driver did something to the machine. */
  changes(): number;
  destroy(): Promise<void>;
}

const actions = ["on", "off", "cycle", "setNetworkBootOnce"] as const;
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
      ] as const) {
        await under.driver[action](signal());
        expect(await under.driver.state(signal())).toBe(isNow(state));
      }
    });

    it("changes nothing where it is so already", async () => {
      await under.driver.on(signal());
      const before = under.changes();
      await under.driver.on(signal());
      expect(under.changes()).toBe(before);
    });

    it("boots over the network by three steps, each told", async () => {
      const outcomes = await bootFromNetwork(under.driver, signal());
      expect(outcomes.map(({ kind }) => kind)).toEqual([under.kind, under.kind, under.kind]);
      expect(await under.driver.state(signal())).toBe(isNow("on"));
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
