export type PowerState = "on" | "off" | "unknown";

/** `done`: it is so, as the machine's controller says. `asked`: a person has to do it. Both texts are for the timeline. */
export type PowerOutcome = { kind: "done"; detail: string } | { kind: "asked"; instruction: string };

/**
 * Waited for once, after the machine has ended what it did and before it boots: what it is given by then, only this boot
 * can ask for. Not called where nothing is to boot.
 */
export type BeforeBoot = () => Promise<void>;

/**
 * What switches one machine on and off. Every call can be repeated: what is already so is done. Calls end when the signal
 * aborts, with its reason; everything else that goes wrong is a PowerError.
 */
export interface PowerDriver {
  state(signal: AbortSignal): Promise<PowerState>;
  on(signal: AbortSignal, beforeBoot?: BeforeBoot): Promise<PowerOutcome>;
  /** Takes the power away; nothing is asked of what runs there. */
  off(signal: AbortSignal): Promise<PowerOutcome>;
  /** Off and on again; one that is off is switched on. */
  cycle(signal: AbortSignal, beforeBoot?: BeforeBoot): Promise<PowerOutcome>;
  /** Whatever it does now, it boots; and this one boot is over the network. */
  bootFromNetwork(signal: AbortSignal, beforeBoot?: BeforeBoot): Promise<PowerOutcome>;
  /** Logs out. Never fails. */
  close(): Promise<void>;
}
