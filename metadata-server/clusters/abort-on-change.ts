import type { Store } from "../store/store.ts";

interface Watched extends Disposable {
  signal: AbortSignal;
}

/** Returns a signal that aborts with the given one, or once `isOver` says so of what is stored, whichever server stored it. */
export function abortOnChange(
  store: Pick<Store, "watch">,
  { clusterId, signal }: { clusterId: string; signal: AbortSignal },
  isOver: () => Promise<boolean>,
): Watched {
  const over = new AbortController();
  async function check(): Promise<void> {
    // After a failure the next change asks again.
    if (await isOver().catch(() => false)) over.abort();
  }
  const unwatch = store.watch(clusterId, () => void check());
  void check();
  return { signal: AbortSignal.any([signal, over.signal]), [Symbol.dispose]: unwatch };
}
