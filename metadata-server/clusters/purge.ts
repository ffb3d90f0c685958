import { pause } from "./clock.ts";
import type { ClusterDependencies } from "./dependencies.ts";

const intervalMs = 60_000;
/** Deleted clusters in one commit, and those that are kept at most, whatever their age. */
const pageSize = 50;
const mostKept = 10_000;

type Purging = Pick<ClusterDependencies, "store" | "clock" | "deletedRetentionMs">;

/** Forgets, once a minute, what was deleted long ago. */
export async function watchDeleted(deps: ClusterDependencies, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await purgeDeleted(deps);
    } catch (error) {
      deps.logger.error("Deleted clusters could not be forgotten; trying again", { error: String(error) });
    }
    await pause(deps.clock, { delayMs: intervalMs, signal });
  }
}

export async function purgeDeleted(
  { store, clock, deletedRetentionMs }: Purging,
  { keep = mostKept }: { keep?: number } = {},
): Promise<void> {
  for (;;) {
    const old = await store.deletedBefore(clock.now() - deletedRetentionMs, pageSize);
    if (old.length > 0) await store.commit({ purge: old });
    if (old.length < pageSize) break;
  }
  for (;;) {
    const all = await store.deletedBefore(clock.now(), keep + pageSize);
    if (all.length <= keep) return;
    await store.commit({ purge: all.slice(0, all.length - keep) });
  }
}
