import type { Context, MiddlewareHandler } from "hono";
import type { Clock } from "#lib/clock.ts";
import type { ListenerLimits } from "../limits/listener-limits.ts";
import { createRequestLimiter } from "../limits/request-limiter.ts";
import { bearerTokenHash } from "./auth.ts";
import { addressOf } from "./caller.ts";
import { HttpProblem } from "./problem.ts";

/** Refuses, before anything else is done, the requests that an address or a token sends too many of. */
export function limitRequests(limits: ListenerLimits, clock: Pick<Clock, "now">): MiddlewareHandler {
  const limiter = createRequestLimiter(limits, clock);
  return async (c, next) => {
    const asking = { address: addressOf(c), tokenHash: bearerTokenHash(c) };
    const excess = limiter.admit(asking);
    if (excess !== undefined) {
      limits.report({ what: "request", by: excess.by }, asking.address);
      throw tooManyRequests(`This ${excess.by} sends too many requests`, excess.retryAfterSeconds);
    }
    await next();
    if (!needsToken(c)) return;
    if (c.res.ok) limiter.judged(asking, true);
    else if (refusesToken.has(c.res.status)) limiter.judged(asking, false);
  };
}

export const tooManyRequests = (message: string, retryAfterSeconds: number) =>
  new HttpProblem("too-many-requests", message, { "retry-after": String(retryAfterSeconds) });

const refusesToken = new Set([401, 403]);

/** Other routes answer whatever the token is. */
const needsToken = ({ req: { path } }: Context) =>
  path.startsWith("/v1/") || path.startsWith("/node/v1/") || path === "/metrics";
