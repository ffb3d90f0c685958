import type { Context } from "hono";
import { createCounts } from "../limits/counts.ts";
import { isLocal } from "../limits/loopback.ts";
import { bearerTokenHash } from "./auth.ts";
import { addressOf } from "./caller.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { tooManyRequests } from "./limit-requests.ts";

/** A node waits for one answer at a time; the rest are requests whose connection broke. */
const mostOfNode = 64;
const retryAfterSeconds = 5;

export interface HeldRequests {
  /** Counts a request as held until the function that it returns is called. Throws HttpProblem `too-many-requests`. */
  begin(c: Context): () => void;
  /** Counts a request as held until its answer is ready. Throws HttpProblem `too-many-requests`. */
  while<T>(c: Context, answer: () => Promise<T>): Promise<T>;
}

/** Dependencies of surfaces that hold requests. */
export interface HoldingDependencies extends HttpDependencies {
  held: HeldRequests;
}

/** Bounds held requests by address and by token. The cluster API and the node API are counted apart. */
export function createHeldRequests({ metrics, limits }: Pick<HttpDependencies, "metrics" | "limits">): HeldRequests {
  const counts = createCounts();
  const most = limits.heldPerAddress;
  const begin = (c: Context) => {
    const address = addressOf(c);
    if (isLocal(address)) return countHeld(metrics);
    const surface = c.req.path.startsWith("/node/") ? "node" : "api";
    const byAddress = { key: `${surface} address ${address}`, most };
    const byToken = { key: `${surface} token ${bearerTokenHash(c)}`, most: surface === "node" ? mostOfNode : most };
    const taken = counts.take([byAddress, byToken]);
    if ("full" in taken) {
      const by = taken.full === byAddress ? "address" : "token";
      limits.report({ what: "held-request", by }, address);
      throw tooManyRequests(`This ${by} has too many requests that wait for an answer`, retryAfterSeconds);
    }
    const end = countHeld(metrics);
    return () => {
      end();
      taken.release();
    };
  };
  return {
    begin,
    async while(c, answer) {
      const end = begin(c);
      try {
        return await answer();
      } finally {
        end();
      }
    },
  };
}

function countHeld({ held }: HttpDependencies["metrics"]): () => void {
  held.inc();
  return () => held.dec();
}
