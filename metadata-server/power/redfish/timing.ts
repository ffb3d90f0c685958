/** Controllers are slow: answers of 10 s and power states that lag by some are common. */
export interface PowerTiming {
  /** One call of the driver, with everything it repeats. */
  actionTimeoutMs: number;
  requestTimeoutMs: number;
  /** Doubled up to `longestRetryMs`, with jitter. */
  firstRetryMs: number;
  longestRetryMs: number;
  /** Between looks at a state that is to change. */
  pollMs: number;
  /** How long a refusal or an old value may still be overtaken by the state that was asked for. */
  settleMs: number;
  /** After that without a change, what was accepted is asked for again. */
  repeatMs: number;
}

export const defaultTiming: PowerTiming = {
  actionTimeoutMs: 180_000,
  requestTimeoutMs: 30_000,
  firstRetryMs: 500,
  longestRetryMs: 10_000,
  pollMs: 1000,
  settleMs: 15_000,
  repeatMs: 40_000,
};
