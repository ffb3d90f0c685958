import { messageOf } from "#lib/errors.ts";
import { repeat } from "./background.ts";
import type { ClusterDependencies } from "./dependencies.ts";

const intervalMs = 60_000;
/** Clusters purged in one commit. */
const pageSize = 50;
/** Deleted clusters that are kept, whatever their age. */
const mostKept = 10_000;

type Purging = Pick<ClusterDependencies, "store" | "clock" | "deletedRetentionMs">;

/** Purges clusters once a minute that were deleted long ago. */
export async function watchDeleted(deps: ClusterDependencies, signal: AbortSignal): Promise<void> {
  const { clock, logger } = deps;
  const onFailure = (error: unknown) =>
    logger.error("Cannot purge deleted clusters; retrying", { error: messageOf(error) });
  await repeat(() => purgeDeleted(deps), { clock, intervalMs, signal, onFailure });
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
