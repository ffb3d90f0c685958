import { generateKeyPair } from "node:crypto";
import { promisify } from "node:util";
import type { ServiceAccountKey } from "./authorities.ts";

export interface ServiceAccountKeyPool {
  /** A key nobody else gets: at once while the pool lasts, else as soon as one is made. */
  take(signal?: AbortSignal): Promise<ServiceAccountKey>;
  /** Makes no more keys and refuses whoever still waits. */
  close(): void;
}

/**
 * `sa.key` is the one RSA key (`kubeadm join --control-plane` of 1.20 refuses anything else) and takes tens of
 * milliseconds, so `size` of them are made ahead, one at a time and off the event loop.
 */
export function createServiceAccountKeyPool(options: {
  size: number;
  makeKey?: () => Promise<ServiceAccountKey>;
}): ServiceAccountKeyPool {
  const { size, makeKey = makeServiceAccountKey } = options;
  const ready: ServiceAccountKey[] = [];
  const waiting = new Set<PromiseWithResolvers<ServiceAccountKey>>();
  let making = false;
  const closing = new AbortController();

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
  const fill = async () => {
    if (making) return;
    making = true;
    try {
      while (!closing.signal.aborted && (ready.length < size || waiting.size > 0)) deliver(await makeKey());
    } catch (error) {
      // With nobody waiting the failure is not lost: the next take tries again and is told.
      refuseAll(error);
    } finally {
      making = false;
    }
  };

  void fill();
  return {
    async take(signal) {
      closing.signal.throwIfAborted();
      signal?.throwIfAborted();
      const key = ready.shift();
      const waiter = Promise.withResolvers<ServiceAccountKey>();
      if (key === undefined) waiting.add(waiter);
      else waiter.resolve(key);
      void fill();
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
    close() {
      closing.abort(new Error("Cannot take service-account key: the pool is closed"));
      refuseAll(closing.signal.reason);
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
