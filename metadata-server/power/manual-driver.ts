import type { BeforeBoot, PowerDriver, PowerOutcome } from "./power-driver.ts";

/** Drives machines without a controller: the timeline asks a person to do it. */
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
        "Let the machine boot over the network: switch it on, or leave it on if it asks again on its own",
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
