import { createPrivateKey, createPublicKey } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import type { ServiceAccountKey } from "./authorities.ts";
import { createServiceAccountKeyPool } from "./service-account-keys.ts";

const closedMessage = "Cannot take service-account key: the pool is closed";

const nameKey = (text: string): ServiceAccountKey => ({ key: text, publicKey: text });

/** Makes a key when told to, and counts how many are being made. */
function createSimulatedMaker() {
  const pending: PromiseWithResolvers<ServiceAccountKey>[] = [];
  let made = 0;
  return {
    pending,
    makeKey: () => {
      const maker = Promise.withResolvers<ServiceAccountKey>();
      pending.push(maker);
      return maker.promise;
    },
    async finish() {
      pending.shift()?.resolve(nameKey(`key ${(made += 1)}`));
      await setImmediate();
    },
    async fail(message: string) {
      pending.shift()?.reject(new Error(message));
      await setImmediate();
    },
  };
}

test("real keys are RSA-2048 pairs in kubeadm's PEM, each another, made off the event loop", async () => {
  const pool = createServiceAccountKeyPool({ size: 1 });
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 1);
  onTestFinished(async () => {
    clearInterval(timer);
    await pool.close();
  });
  const [first, second] = await Promise.all([pool.take(), pool.take()]);
  expect(ticks).toBeGreaterThan(0);
  expect(first.key).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n[^-]+-----END RSA PRIVATE KEY-----\n$/);
  expect(first.publicKey).toMatch(/^-----BEGIN PUBLIC KEY-----\n[^-]+-----END PUBLIC KEY-----\n$/);
  expect(createPrivateKey(first.key).asymmetricKeyDetails?.modulusLength).toBe(2048);
  expect(createPublicKey(first.key).equals(createPublicKey(first.publicKey))).toBe(true);
  expect(second.key).not.toBe(first.key);
});

test("the pool makes keys ahead, one at a time, up to its size", async () => {
  const maker = createSimulatedMaker();
  createServiceAccountKeyPool({ size: 2, makeKey: maker.makeKey });
  expect(maker.pending).toHaveLength(1);
  await maker.finish();
  expect(maker.pending).toHaveLength(1);
  await maker.finish();
  expect(maker.pending).toHaveLength(0);
});

test("a taken key is replaced, and those who come to an empty pool are served in turn, four keys under way at most", async () => {
  const maker = createSimulatedMaker();
  const pool = createServiceAccountKeyPool({ size: 1, makeKey: maker.makeKey });
  await maker.finish();
  const taken = Array.from({ length: 7 }, () => pool.take());
  expect(maker.pending).toHaveLength(4);
  for (let made = 0; made < 6; made += 1) await maker.finish();
  expect((await Promise.all(taken)).map(({ key }) => key)).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => `key ${n}`));
  expect(maker.pending).toHaveLength(1);
  await maker.finish();
  expect(maker.pending).toHaveLength(0);
});

test("a failure is told to those who wait, and the next take tries again", async () => {
  const maker = createSimulatedMaker();
  const pool = createServiceAccountKeyPool({ size: 1, makeKey: maker.makeKey });
  await Promise.all([expect(pool.take()).rejects.toThrow("no entropy"), maker.fail("no entropy")]);
  const key = pool.take();
  await maker.finish();
  expect(await key).toEqual(nameKey("key 1"));
});

test("an abort ends the wait and leaves the key to the next", async () => {
  const maker = createSimulatedMaker();
  const pool = createServiceAccountKeyPool({ size: 0, makeKey: maker.makeKey });
  const controller = new AbortController();
  const aborted = pool.take(controller.signal);
  const next = pool.take();
  controller.abort(new Error("client went away"));
  await expect(aborted).rejects.toThrow("client went away");
  await maker.finish();
  expect((await next).key).toBe("key 1");
  await expect(pool.take(AbortSignal.abort(new Error("too late")))).rejects.toThrow("too late");
});

test("close refuses those who wait and those who come, and makes no more keys", async () => {
  const maker = createSimulatedMaker();
  const pool = createServiceAccountKeyPool({ size: 1, makeKey: maker.makeKey });
  const waiting = pool.take();
  const closed = pool.close();
  await expect(waiting).rejects.toThrow(closedMessage);
  await maker.finish();
  await closed;
  expect(maker.pending).toHaveLength(0);
  await expect(pool.take()).rejects.toThrow(closedMessage);
});

/** A stock in memory; real files are in service-account-key-stock.test.ts. */
function createFakeStock(batches: ServiceAccountKey[][] = []) {
  return {
    batches,
    batchSize: 3,
    count: () => batches.length * 3,
    take: async () => batches.shift() ?? [],
    put: async (keys: readonly ServiceAccountKey[]) => void batches.push([...keys]),
  };
}

test("beyond what is at hand, keys are made after a rest each and go to the stock in batches", async () => {
  let made = 0;
  let rests = 0;
  const stock = createFakeStock();
  const pool = createServiceAccountKeyPool({
    size: 14,
    makeKey: async () => nameKey(`key ${(made += 1)}`),
    rest: async () => void (rests += 1),
    stock,
  });
  await setImmediate();
  expect([made, rests]).toEqual([14, 6]);
  expect(stock.batches.map((batch) => batch.length)).toEqual([3, 3]);
  await pool.close();
  expect(
    stock.batches
      .flat()
      .map(({ key }) => key)
      .toSorted(),
  ).toHaveLength(14);
  expect(new Set(stock.batches.flat().map(({ key }) => key)).size).toBe(14);
});

test("a new pool begins with the stock, makes only what is missing, and no key comes twice", async () => {
  const maker = createSimulatedMaker();
  const stock = createFakeStock([["a", "b", "c"].map(nameKey), ["d"].map(nameKey)]);
  const pool = createServiceAccountKeyPool({ size: 4, makeKey: maker.makeKey, stock });
  const taken = [];
  for (let count = 0; count < 4; count += 1) taken.push((await pool.take()).key);
  expect(taken).toEqual(["a", "b", "c", "d"]);
  expect(stock.batches).toEqual([]);
  expect(maker.pending).toHaveLength(1);
});
