import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PowerDriver, PowerOutcome, PowerState } from "../../metadata-server/power/power-driver.ts";
import { patientSignal } from "../fixtures/patience.ts";

export interface DriverUnderTest {
  driver: PowerDriver;
  /** Whether the driver acts, or asks a person to. */
  kind: PowerOutcome["kind"];
  /** How often the driver acted on the machine. */
  changes(): number;
  destroy(): Promise<void>;
}

const actions = ["on", "off", "cycle", "bootFromNetwork"] as const;
const refuseToBoot = () => Promise.reject(new Error("not now"));
const signal = () => patientSignal();

/** Contract of every power driver. The machine is off at first. */
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

    it.for(actions)("returns a text for the timeline from %s, every time", async (action) => {
      for (const _ of [1, 2]) {
        const outcome = await under.driver[action](signal());
        expect(outcome.kind).toBe(under.kind);
        expect(outcome.kind === "done" ? outcome.detail : outcome.instruction).toMatch(/^[A-Z].{5,}[^.]$/);
      }
    });

    it("resolves once the machine is switched", async () => {
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

    it("awaits beforeBoot once for each boot, and not without a boot", async () => {
      const seen: PowerState[] = [];
      const beforeBoot = async () => void seen.push(await under.driver.state(signal()));
      await under.driver.on(signal(), beforeBoot);
      await under.driver.cycle(signal(), beforeBoot);
      await under.driver.bootFromNetwork(signal(), beforeBoot);
      expect(seen).toEqual([isNow("off"), isNow("off"), isNow("off")]);
      await under.driver.on(signal(), beforeBoot);
      expect(seen).toHaveLength(under.kind === "done" ? 3 : 4);
    });

    it("does not boot if beforeBoot fails", async () => {
      await expect(under.driver.bootFromNetwork(signal(), refuseToBoot)).rejects.toThrow("not now");
      expect(await under.driver.state(signal())).toBe(isNow("off"));
    });

    it("changes nothing if the machine is in that state already", async () => {
      await under.driver.on(signal());
      const before = under.changes();
      await under.driver.on(signal());
      expect(under.changes()).toBe(before);
    });

    it.for([...actions, "state"] as const)(
      "rejects %s with the reason of an aborted signal, and does nothing",
      async (action) => {
        const reason = new Error("no longer wanted");
        await expect(under.driver[action](AbortSignal.abort(reason))).rejects.toBe(reason);
        expect(under.changes()).toBe(0);
      },
    );

    it("closes twice without an error", async () => {
      await under.driver.state(signal());
      await under.driver.close();
      await expect(under.driver.close()).resolves.toBeUndefined();
    });
  });
}
