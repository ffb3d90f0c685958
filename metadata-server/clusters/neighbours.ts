import { maxNeighbours, type NodeMetadata } from "#api/node-metadata.ts";
import type { MemberRecord } from "../store/records.ts";
import type { Store } from "../store/store.ts";
import type { RandomBytes } from "./identifiers.ts";

/**
 * Maps each name to a few other workers. Workers form a ring in random order, and each checks those that follow it. So
 * every worker is checked equally often. A control plane starts anywhere in the ring.
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

/** Returns the member's neighbours whose addresses are known. It does not wait for the others. */
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
