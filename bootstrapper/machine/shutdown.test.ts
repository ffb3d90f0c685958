import { describe, expect, it } from "vitest";
import { outlastShutdown } from "./shutdown.ts";

function systemd(...states: string[]) {
  const asked: string[] = [];
  const askState = async () => {
    const state = states.length > 1 ? states.shift()! : states[0]!;
    asked.push(state);
    return state;
  };
  return { asked, askState };
}
const never = new AbortController().signal;

describe("outlastShutdown", () => {
  it.each(["running", "degraded", "starting", "maintenance", "offline", "unknown"])(
    "returns at once on a machine whose systemd is %s",
    async (state) => {
      const { asked, askState } = systemd(state);
      await outlastShutdown({ interrupted: never, askState });
      expect(asked).toEqual([state]);
    },
  );

  it.each([
    ["is stopping", "stopping"],
    ["is gone", ""],
  ])("waits while systemd %s, until it is interrupted", async (_, state) => {
    const { asked, askState } = systemd(state);
    const interrupted = AbortSignal.timeout(250);
    await outlastShutdown({ interrupted, askState });
    expect(interrupted.aborted).toBe(true);
    expect(asked.length).toBeGreaterThan(1);
  });

  it("returns once systemd can be reached again", async () => {
    const { asked, askState } = systemd("", "", "running");
    await outlastShutdown({ interrupted: never, askState });
    expect(asked).toEqual(["", "", "running"]);
  });

  it("returns after its limit, if the shutdown does not end this program", async () => {
    const { askState } = systemd("stopping");
    await expect(outlastShutdown({ interrupted: never, askState, limitMs: 150 })).resolves.toBeUndefined();
  });
});
