/** Aborts that many seconds from now. Whole milliseconds: AbortSignal.timeout throws on 1.001 * 1000. */
export const deadlineSignal = (seconds: number): AbortSignal => AbortSignal.timeout(Math.ceil(seconds * 1000));
