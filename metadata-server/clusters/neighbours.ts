import { maxNeighbours, type NodeMetadata } from "#api/node-metadata.ts";
import type { MemberRecord } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import type { RandomBytes } from "./identifiers.ts";

/**
 * Name → a few other workers. Pure but for `random`. Workers stand in a ring in random order and look at those that
 * follow, so that each is looked at by as many; a control plane begins anywhere.
 */
export function pickNeighbours(
  members: readonly Pick<MemberRecord, "name" | "role">[],
  random: RandomBytes,
): Map<string, string[]> {
  const numbers = new Uint32Array(new Uint8Array(random(members.length * 4)).buffer);
  const numbered = members.map(({ name, role }, index) => ({ name, role, number: numbers[index] ?? 0 }));
  const ring = numbered.filter(({ role }) => role === "worker").toSorted((one, other) => one.number - other.number);
  const positions = new Map(ring.map(({ name }, position) => [name, position]));
  const after = (position: number, count: number) =>
    Array.from({ length: count }, (_, step) => ring[(position + step) % ring.length]?.name ?? "");
  return new Map(
    numbered.map(({ name, number }) => {
      const own = positions.get(name);
      if (own === undefined) return [name, after(number, Math.min(maxNeighbours, ring.length))];
      return [name, after(own + 1, Math.min(maxNeighbours, ring.length - 1))];
    }),
  );
}

/** Those of the member's neighbours whose addresses are known by now; the others are not waited for. */
export async function knownNeighbours(
  store: Pick<Store, "member">,
  { clusterId, neighbours = [] }: Pick<MemberRecord, "clusterId" | "neighbours">,
): Promise<NonNullable<NodeMetadata["neighbours"]>> {
  const known = await Promise.all(
    neighbours.map(async ({ name, address }) => ({
      name,
      address: address ?? (await store.member(clusterId, name))?.address ?? null,
    })),
  );
  return known.flatMap(({ name, address }) => (address === null ? [] : { name, address }));
}
