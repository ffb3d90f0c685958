import type { ClusterRecord } from "../store/records.ts";
import type { ClusterDependencies } from "./dependencies.ts";

/** Whether only another server reaches the cluster's machines: they are on its host. */
export function isElsewhere(
  { providers }: Pick<ClusterDependencies, "providers">,
  { provider, providerData }: Pick<ClusterRecord, "provider" | "providerData">,
): boolean {
  const here = providers.get(provider)?.place;
  const place = providerData["place"];
  return here !== undefined && place !== undefined && here !== place;
}
