import type { PowerDriver, PowerOutcome } from "./power-driver.ts";

/** For machines without a controller that Sprout could talk to: the timeline says what a person has to do. */
export function createManualDriver(): PowerDriver {
  return {
    async state(signal) {
      signal.throwIfAborted();
      return "unknown";
    },
    on: (signal) => ask(signal, "Switch the machine on"),
    off: (signal) => ask(signal, "Switch the machine off"),
    cycle: (signal) => ask(signal, "Switch the machine off and on again"),
    setNetworkBootOnce: (signal) =>
      ask(signal, "Choose the network for the machine's next boot, in its boot menu or by its firmware's boot order"),
    close: async () => undefined,
  };
}

async function ask(signal: AbortSignal, instruction: string): Promise<PowerOutcome> {
  signal.throwIfAborted();
  return { kind: "asked", instruction };
}
