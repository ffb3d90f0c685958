import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import type { ServiceAccountKey } from "./authorities.ts";
import type { ServiceAccountKeyStock } from "./service-account-key-stock.ts";

export interface ServiceAccountKeyPool {
  /** A key nobody else gets: at once while the pool lasts, else as soon as one is made; whoever comes first is first. */
  take(signal?: AbortSignal): Promise<ServiceAccountKey>;
  /** Makes no more keys, refuses whoever still waits and puts what is left into the stock. */
  close(): Promise<void>;
}

export interface ServiceAccountKeyPoolOptions {
  /** Keys made ahead in all, those in the stock included. */
  size: number;
  makeKey?: () => Promise<ServiceAccountKey>;
  /** Where keys outlive the process; without it all of them are in memory. */
  stock?: ServiceAccountKeyStock;
  /** Waited for before each key that nobody needs soon: making hundreds should cost nobody his processor. */
  rest?: (signal: AbortSignal) => Promise<void>;
}

/** Made without a rest, as the next few clusters will need them. */
const atHand = 8;
/** Two cores made 27 keys a second one at a time, 59 with four under way. */
const maxMaking = 4;

/**
 * `sa.key` is the one RSA key (`kubeadm join --control-plane` of 1.20 refuses anything else) and takes tens of
 * milliseconds, so keys are made ahead and off the event loop.
 */
export function createServiceAccountKeyPool(options: ServiceAccountKeyPoolOptions): ServiceAccountKeyPool {
  const { size, makeKey = makeServiceAccountKey, stock, rest = () => Promise.resolve() } = options;
  const ready: ServiceAccountKey[] = [];
  const waiting = new Set<PromiseWithResolvers<ServiceAccountKey>>();
  const closing = new AbortController();
  const making = new Set<Promise<boolean>>();
  let filling: Promise<void> | undefined;

  const refuseAll = (reason: unknown) => {
    for (const waiter of waiting) waiter.reject(reason);
    waiting.clear();
  };
  const deliver = (key: ServiceAccountKey) => {
    const [first] = waiting;
    if (first === undefined) ready.push(key);
    else first.resolve(key);
    if (first !== undefined) waiting.delete(first);
  };
  const inStock = () => stock?.count() ?? 0;
  const fetchOrMake = async () => {
    try {
      const stored = inStock() > 0 ? ((await stock?.take()) ?? []) : [];
      for (const key of stored.length > 0 ? stored : [await makeKey()]) deliver(key);
    } catch (error) {
      // With nobody waiting the failure is not lost: the next take tries again and is told.
      refuseAll(error);
      return false;
    }
    return true;
  };
  const startMaking = () => {
    const made = fetchOrMake();
    making.add(made);
    void made.then((isMade) => making.delete(made) && isMade && supply());
  };
  /** Whoever waits is served on every core; what is made ahead takes one. */
  const supply = () => {
    if (closing.signal.aborted) return;
    const wanted = Math.max(waiting.size, ready.length < Math.min(size, atHand) ? 1 : 0);
    while (making.size < Math.min(wanted, inStock() > 0 ? 1 : maxMaking)) startMaking();
    if (making.size === 0) filling ??= fill().finally(() => (filling = undefined));
  };
  const fill = async () => {
    try {
      while (ready.length + inStock() < size) {
        await rest(closing.signal);
        if (closing.signal.aborted) return;
        deliver(await makeKey());
        if (stock !== undefined && ready.length >= atHand + stock.batchSize)
          await stock.put(ready.splice(atHand, stock.batchSize));
      }
    } catch (error) {
      refuseAll(error);
    }
  };

  supply();
  return {
    async take(signal) {
      closing.signal.throwIfAborted();
      signal?.throwIfAborted();
      const key = ready.shift();
      const waiter = Promise.withResolvers<ServiceAccountKey>();
      if (key === undefined) waiting.add(waiter);
      else waiter.resolve(key);
      supply();
      const abort = () => {
        waiting.delete(waiter);
        waiter.reject(signal?.reason);
      };
      signal?.addEventListener("abort", abort, { once: true });
      try {
        return await waiter.promise;
      } finally {
        signal?.removeEventListener("abort", abort);
      }
    },
    async close() {
      closing.abort(new Error("Cannot take service-account key: the pool is closed"));
      refuseAll(closing.signal.reason);
      await Promise.all([...making, filling]);
      if (ready.length > 0) await stock?.put(ready.splice(0));
    },
  };
}

const generate = promisify(generateKeyPair);

/** PEM as kubeadm writes sa.key ("RSA PRIVATE KEY", PKCS #1) and sa.pub ("PUBLIC KEY"). */
export async function makeServiceAccountKey(): Promise<ServiceAccountKey> {
  const { publicKey, privateKey } = await generate("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs1", format: "pem" },
  });
  return { key: privateKey, publicKey };
}
