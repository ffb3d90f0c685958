import type { PowerDriver, PowerOutcome } from "./power-driver.ts";

/**
 * Boots a machine over the network, whatever it does now. It is switched off first: controllers lose or use up what was
 * set for the next boot while a machine runs.
 */
export async function bootFromNetwork(driver: PowerDriver, signal: AbortSignal): Promise<PowerOutcome[]> {
  const outcomes: PowerOutcome[] = [];
  for (const step of ["off", "setNetworkBootOnce", "on"] as const) outcomes.push(await driver[step](signal));
  return outcomes;
}
