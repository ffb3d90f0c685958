import { describe, expect, it } from "vitest";
import { createManualClock } from "../../test/fakes/manual-clock.ts";
import { createRequestLimiter } from "./request-limiter.ts";

const clock = createManualClock();
const limiter = () => createRequestLimiter({ requestsPerAddress: 2 }, clock);
const anonymous = { address: "192.0.2.1", tokenHash: undefined };
const withToken = { address: "192.0.2.1", tokenHash: "hash" };

/** Number of requests until one is refused. */
function countAdmitted(one: ReturnType<typeof limiter>, asking: typeof anonymous | typeof withToken): number {
  for (let count = 0; count < 10_000; count += 1) if (one.admit(asking) !== undefined) return count;
  return Infinity;
}

describe("createRequestLimiter", () => {
  it("admits a minute's worth at once, then says when the next one fits", () => {
    const one = limiter();
    expect(countAdmitted(one, anonymous)).toBe(120);
    expect(one.admit(anonymous)).toEqual({ by: "address", retryAfterSeconds: 1 });
    clock.advance(1000);
    expect(countAdmitted(one, anonymous)).toBe(2);
  });

  it("counts each address on its own", () => {
    const one = limiter();
    countAdmitted(one, anonymous);
    expect(one.admit({ address: "192.0.2.2", tokenHash: undefined })).toBeUndefined();
  });

  it("counts an accepted token instead of its address, up to five times as much", () => {
    const one = limiter();
    one.judged(withToken, true);
    countAdmitted(one, anonymous);
    expect(countAdmitted(one, withToken)).toBe(600);
    expect(one.admit({ ...withToken, address: "192.0.2.9" })).toEqual({ by: "token", retryAfterSeconds: 1 });
  });

  it("counts a token that was never accepted, or no longer is, for its address", () => {
    const one = limiter();
    countAdmitted(one, anonymous);
    expect(one.admit(withToken)).toMatchObject({ by: "address" });
    one.judged(withToken, true);
    one.judged(withToken, false);
    expect(one.admit(withToken)).toMatchObject({ by: "address" });
  });

  it.each(["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", null])("does not bound %s", (address) => {
    expect(countAdmitted(limiter(), { address: address as string, tokenHash: undefined })).toBe(Infinity);
  });
});
