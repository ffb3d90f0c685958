import type { HttpDependencies } from "./dependencies.ts";

/** Nodes refuse a server whose clock is 30 s from theirs. */
const mostSkewMs = 15_000;

/** Returns why no load balancer should send requests here, in a few words; undefined if it should. */
export async function whyNotReady({
  clusters,
  stopping,
  clockSkewMs = () => 0,
}: Pick<HttpDependencies, "clusters" | "stopping" | "clockSkewMs">): Promise<string | undefined> {
  if (stopping.aborted) return "the server is stopping";
  try {
    await clusters.store.check();
  } catch (error) {
    clusters.logger.error("Cannot use the store", { error: String(error) });
    return "the server cannot use its store";
  }
  const skewMs = clockSkewMs();
  if (Math.abs(skewMs) <= mostSkewMs) return undefined;
  return `the server's clock is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? "ahead of" : "behind"} the store's`;
}
