const unsent = new Set(["EAI_AGAIN", "ECONNREFUSED", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH", "ENOTFOUND"]);
const lost = new Set(["ECONNABORTED", "ECONNRESET", "EPIPE", "ETIMEDOUT"]);
const statuses = new Set([408, 425, 429, 500, 502, 503, 504]);

/** The `code` of a system error; empty for any other value. */
export const errorCode = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

/** Whether no byte of a request can have arrived. */
export const wasNotSent = (error: unknown): boolean => unsent.has(errorCode(error));

/** Whether a connection broke, so that a request may have arrived or not. */
export const wasConnectionLost = (error: unknown): boolean => lost.has(errorCode(error));

/**
 * Whether a network error may pass without a change on this side: the server restarts, or the network is not up yet.
 */
export const isTransientError = (error: unknown): boolean => wasNotSent(error) || wasConnectionLost(error);

/** Whether the same request may get another answer later. 501, 505 and all other 4xx stay as they are. */
export const isTransientStatus = (status: number): boolean => statuses.has(status);
