import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "#lib/errors.ts";
import type { Logger } from "../logger.ts";
import { type Lease, type Store, StoreConflict } from "../store/store.ts";

/** A server that is killed keeps its leases for so long. */
const sharedTtlMs = 10_000;
const waitMs = 250;
/** Pause before a server asks again for a lease that it wants whenever it is free. */
const keepMs = 2000;

interface Claim {
  /** What the work is, such as `launch c-…`: one server at a time does it. */
  name: string;
  signal: AbortSignal;
  /** Lets other work of this server share the lease, if that says so too. */
  isShared?: boolean;
}

/** What work has while its server has the lease. */
interface Leased {
  /** Refuses commits once the lease is lost. */
  store: Store;
  /** Aborts with the claim's signal, or when the lease is lost. */
  signal: AbortSignal;
}

type Work = (leased: Leased) => Promise<void>;

export interface Leases {
  /** The store without a lease, for work that continues after one. */
  readonly store: Store;
  /** Does the work if this server gets the lease now. Returns whether it was done, with the lease held to its end. */
  run(claim: Claim, work: Work): Promise<boolean>;
  /** Does the work once, as soon as this server gets the lease, unless the signal aborts before. */
  wait(claim: Claim, work: Work): Promise<void>;
  /** Does the work whenever this server has the lease, until the signal aborts. */
  keep(claim: Claim, work: Work): Promise<void>;
}

interface Holding {
  users: number;
  isShared: boolean;
  lost: AbortController;
  taken: Promise<Lease | undefined>;
  /** Ends the renewals. */
  end: () => void;
  /** Resolves when it is given back. */
  left: PromiseWithResolvers<void>;
}

/**
 * Lets one server at a time do a piece of work. `holder` names this process. Leases of a store that one process has
 * alone never expire.
 */
export function createLeases(options: { store: Store; holder: string; logger: Logger; ttlMs?: number }): Leases {
  const { store, holder, logger } = options;
  const ttlMs = options.ttlMs ?? (store.isShared ? sharedTtlMs : Infinity);
  const holdings = new Map<string, Holding>();

  async function take(
    name: string,
    { lost }: Pick<Holding, "lost">,
  ): Promise<{ lease: Lease; end: () => void } | undefined> {
    const askedAt = performance.now();
    const token = await store.takeLease({ name, holder, ttlMs });
    if (token === undefined) return undefined;
    const lease = { name, holder, token };
    if (ttlMs === Infinity) return { lease, end: () => undefined };
    return { lease, end: renew(lease, { lost, until: askedAt + ttlMs }) };
  }

  /** Counts the time from before each call: the store may have begun to count right then. */
  function renew(lease: Lease, { lost, until }: { lost: AbortController; until: number }): () => void {
    const lose = () => lost.abort(new Error(`Lost the lease "${lease.name}"`));
    let expiry = setTimeout(lose, until - performance.now()).unref();
    const renewal = setInterval(() => void attempt(), ttlMs / 3).unref();
    async function attempt(): Promise<void> {
      const askedAt = performance.now();
      // A store that is away may be back in time.
      const answer = await store.takeLease({ ...lease, ttlMs }).then(
        (token) => ({ token }),
        () => undefined,
      );
      if (answer === undefined || lost.signal.aborted) return;
      if (answer.token !== lease.token) return lose();
      clearTimeout(expiry);
      expiry = setTimeout(lose, askedAt + ttlMs - performance.now()).unref();
    }
    return () => {
      clearTimeout(expiry);
      clearInterval(renewal);
    };
  }

  function hold(name: string, isShared: boolean): Holding {
    const lost = new AbortController();
    const taking = take(name, { lost });
    const holding: Holding = {
      users: 0,
      isShared,
      lost,
      taken: taking.then((one) => one?.lease),
      end: () => void taking.then((one) => one?.end()).catch(() => undefined),
      left: Promise.withResolvers(),
    };
    holdings.set(name, holding);
    return holding;
  }

  async function leave(name: string, holding: Holding): Promise<void> {
    holding.users -= 1;
    if (holding.users > 0) return;
    holdings.delete(name);
    holding.end();
    const lease = await holding.taken.catch(() => undefined);
    // A lease that cannot be given back expires.
    if (lease !== undefined && !holding.lost.signal.aborted)
      await store.releaseLease(lease).catch((error: unknown) => {
        logger.warn("Cannot release a lease", { name, error: messageOf(error) });
      });
    holding.left.resolve();
  }

  const fence = (lease: Lease): Store => ({ ...store, commit: (changes) => store.commit({ ...changes, lease }) });

  const leases: Leases = {
    store,
    async run({ name, signal, isShared = false }, work) {
      const present = holdings.get(name);
      if (present !== undefined && !(present.isShared && isShared)) return false;
      const holding = present ?? hold(name, isShared);
      holding.users += 1;
      try {
        const lease = await holding.taken;
        if (lease === undefined) return false;
        await work({ store: fence(lease), signal: AbortSignal.any([signal, holding.lost.signal]) });
        return !holding.lost.signal.aborted;
      } catch (error) {
        const isLost = holding.lost.signal.aborted || (error instanceof StoreConflict && error.reason === "lease-lost");
        if (!isLost || signal.aborted) throw error;
        logger.warn("Lost a lease; another server continues the work", { name, error: messageOf(error) });
        return false;
      } finally {
        await leave(name, holding);
      }
    },
    async wait(claim, work) {
      while (!claim.signal.aborted && !(await leases.run(claim, work))) {
        const own = holdings.get(claim.name);
        const pauses = [rest(waitMs, claim.signal), ...(own === undefined ? [] : [own.left.promise])];
        await Promise.race(pauses);
      }
    },
    async keep(claim, work) {
      while (!claim.signal.aborted) {
        await leases.run(claim, work).catch((error: unknown) => {
          logger.error("Cannot keep a lease; retrying", { name: claim.name, error: messageOf(error) });
        });
        await rest(keepMs, claim.signal);
      }
    },
  };
  return leases;
}

const rest = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);
