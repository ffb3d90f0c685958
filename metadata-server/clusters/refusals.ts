import { messageOf } from "#lib/errors.ts";
import { repeat } from "./background.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import type { Refusal } from "./refusal-limiter.ts";

const intervalMs = 1000;

/** Records a refusal that changes nothing else. If that fails, it is only logged: the request is refused anyway. */
export async function recordRefusal(
  { store, clock, refusals, logger }: Pick<ClusterDependencies, "store" | "clock" | "refusals" | "logger">,
  refusal: Refusal,
): Promise<void> {
  const audit = refusals.take(refusal, clock.now());
  if (audit.length === 0) return;
  try {
    await store.commit({ audit });
  } catch (error) {
    logger.error("Cannot write refusal to the audit log", { ...refusal, error: messageOf(error) });
  }
}

/** Writes what this server counted, once a second. */
export async function watchCounts(deps: ClusterDependencies, signal: AbortSignal): Promise<void> {
  const { clock, logger } = deps;
  const work = async () => {
    await recordRefusalSummaries(deps);
    await recordRepeats(deps);
  };
  const onFailure = (error: unknown) => logger.error("Cannot record counts; retrying", { error: messageOf(error) });
  await repeat(work, { clock, intervalMs, signal, onFailure });
}

export async function recordRefusalSummaries({ store, clock, refusals }: ClusterDependencies): Promise<void> {
  const audit = refusals.summarize(clock.now());
  if (audit.length > 0) await store.commit({ audit });
}

/** Writes how often allowed calls were repeated. What fails, such as for a purged cluster, is only logged. */
export async function recordRepeats({ store, clock, repeats, logger }: ClusterDependencies): Promise<void> {
  for (const trace of repeats.summarize(clock.now()))
    await store
      .commit(trace)
      .catch((error: unknown) => logger.error("Cannot record repeated calls", { error: messageOf(error) }));
}
