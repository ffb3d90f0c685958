export type PowerState = "on" | "off" | "unknown";

/** `done`: the machine's controller confirms it. `asked`: a person must do it. Both texts are for the timeline. */
export type PowerOutcome = { kind: "done"; detail: string } | { kind: "asked"; instruction: string };

/**
 * Called and awaited once, after the machine has stopped and before it boots, so that only this boot can ask for what
 * the callback prepares. Not called if no boot follows.
 */
export type BeforeBoot = () => Promise<void>;

/**
 * Switches one machine on and off. Every call can be repeated: a machine that is in that state already counts as done.
 * Calls reject with the signal's reason when it aborts, and with a PowerError for every other failure.
 */
export interface PowerDriver {
  state(signal: AbortSignal): Promise<PowerState>;
  on(signal: AbortSignal, beforeBoot?: BeforeBoot): Promise<PowerOutcome>;
  /** Cuts the power, without asking the operating system. */
  off(signal: AbortSignal): Promise<PowerOutcome>;
  /** Switches the machine off and on again. One that is off is switched on. */
  cycle(signal: AbortSignal, beforeBoot?: BeforeBoot): Promise<PowerOutcome>;
  /** Boots or reboots the machine, this once over the network. */
  bootFromNetwork(signal: AbortSignal, beforeBoot?: BeforeBoot): Promise<PowerOutcome>;
  /** Logs out. Never fails. */
  close(): Promise<void>;
}
