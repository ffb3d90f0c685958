import type { BeforeBoot, PowerDriver, PowerOutcome } from "./power-driver.ts";

/** For machines without a controller that Sprout could talk to: the timeline says what a person has to do. */
export function createManualDriver(): PowerDriver {
  return {
    async state(signal) {
      signal.throwIfAborted();
      return "unknown";
    },
    on: (signal, beforeBoot) => ask("Switch the machine on", signal, beforeBoot),
    off: (signal) => ask("Switch the machine off", signal),
    cycle: (signal, beforeBoot) => ask("Switch the machine off and on again", signal, beforeBoot),
    bootFromNetwork: (signal, beforeBoot) =>
      ask(
        "Let the machine boot over the network: switch it on, or leave it where it asks again by itself",
        signal,
        beforeBoot,
      ),
    close: async () => undefined,
  };
}

async function ask(instruction: string, signal: AbortSignal, beforeBoot?: BeforeBoot): Promise<PowerOutcome> {
  signal.throwIfAborted();
  await beforeBoot?.();
  return { kind: "asked", instruction };
}
