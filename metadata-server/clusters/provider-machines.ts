import type { ProviderMachine } from "#api/provider-machine.ts";
import { DomainError } from "../errors.ts";
import type { ClusterDependencies } from "./dependencies.ts";

/** Lists the machines of a provider, the oldest first. Throws DomainError `not-found` or `provider-unusable`. */
export async function listProviderMachines(
  { providers, store }: Pick<ClusterDependencies, "providers" | "store">,
  name: string,
): Promise<ProviderMachine[]> {
  const provider = providers.get(name);
  if (provider?.survey === undefined)
    throw new DomainError("not-found", `There is no provider ${name} that lists its machines`);
  const machines = await provider.survey().catch((cause: Error) => {
    throw new DomainError("provider-unusable", `Cannot list machines of provider ${name}: ${cause.message}`, { cause });
  });
  const names = new Map<string, string>();
  for (const clusterId of new Set(machines.map((machine) => machine.clusterId)))
    for (const member of await store.members(clusterId)) if (member.machine) names.set(member.machine.id, member.name);
  const listed = machines.map(({ id, state, kind, place, since, ended = null, clusterId }): ProviderMachine => ({
    id,
    state,
    kind,
    place,
    since,
    ended,
    clusterId,
    member: names.get(id) ?? null,
  }));
  return listed.toSorted((one, other) => one.since.localeCompare(other.since));
}
