import { messageOf } from "#lib/errors.ts";
import type { ClusterDependencies } from "./dependencies.ts";
import type { Refusal } from "./refusal-limiter.ts";

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
