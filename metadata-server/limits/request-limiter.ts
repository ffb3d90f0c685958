import type { Clock } from "#lib/clock.ts";
import { isLocal } from "./loopback.ts";
import { createTokenBuckets, forgetOldest } from "./token-buckets.ts";

/** A program with an accepted token, such as a platform, may send so many times what an address may. */
const tokenFactor = 5;
const mostTokens = 20_000;

interface Asking {
  /** Address of the connection; null if there is none. */
  address: string | null;
  /** Hash of the bearer token, whether or not it is a good one. */
  tokenHash: string | undefined;
}

interface Excess {
  by: "address" | "token";
  retryAfterSeconds: number;
}

export interface RequestLimiter {
  /** Counts a request. Returns why it is one too many. */
  admit(asking: Asking): Excess | undefined;
  /** Reports whether the server accepted the request's token. */
  judged(asking: Asking, isAccepted: boolean): void;
}

/**
 * Bounds requests by address, and those with a token that was accepted before by that token instead: so neither the
 * API nor nodes suffer if a flood comes from their address (NAT). Clients on this host are not bounded.
 */
export function createRequestLimiter(
  { requestsPerAddress }: { requestsPerAddress: number },
  clock: Pick<Clock, "now">,
): RequestLimiter {
  const addresses = createTokenBuckets(requestsPerAddress, clock);
  const tokens = createTokenBuckets(requestsPerAddress * tokenFactor, clock);
  const accepted = new Set<string>();
  return {
    admit({ address, tokenHash }) {
      if (isLocal(address)) return undefined;
      const by = tokenHash !== undefined && accepted.has(tokenHash) ? "token" : "address";
      const retryAfterSeconds = by === "token" ? tokens.take(tokenHash ?? "") : addresses.take(address ?? "");
      return retryAfterSeconds > 0 ? { by, retryAfterSeconds } : undefined;
    },
    judged({ tokenHash }, isAccepted) {
      if (tokenHash === undefined || isAccepted === accepted.has(tokenHash)) return;
      if (!isAccepted) accepted.delete(tokenHash);
      else {
        if (accepted.size >= mostTokens) forgetOldest(accepted);
        accepted.add(tokenHash);
      }
    },
  };
}
