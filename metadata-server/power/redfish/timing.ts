/** Controllers are slow: answers of 10 s and power states that lag by some are common. */
export interface PowerTiming {
  /** Limit for one call of the driver, retries included. */
  actionTimeoutMs: number;
  requestTimeoutMs: number;
  /** The first pause; the next ones double up to `longestRetryMs`, with jitter. */
  firstRetryMs: number;
  longestRetryMs: number;
  /** Interval between reads of a state that is to change. */
  pollMs: number;
  /** How long the requested state may still follow a refusal or an old value. */
  settleMs: number;
  /** An accepted request is repeated after this time without a change. */
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
