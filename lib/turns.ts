import { setImmediate } from "node:timers/promises";

/** How long a loop may keep the event loop, in ms. */
const sliceMs = 10;

export type Turn = () => Promise<void> | undefined;

/**
 * Returns a function for a long loop to call in each round. Once the loop has kept the event loop for 10 ms, it returns
 * a promise to await, so that other work gets its turn; before that undefined.
 */
export function createTurns(now = () => performance.now()): Turn {
  let startedAt = now();
  const letOthersRun = async () => {
    await setImmediate();
    startedAt = now();
  };
  return () => (now() - startedAt < sliceMs ? undefined : letOthersRun());
}
