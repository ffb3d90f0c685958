import { createTurns } from "#lib/turns.ts";
import type { Changes } from "../store.ts";

/** Copies changes before it returns; of thousands of records it copies the later ones in further turns. */
export async function copyChanges(changes: Changes): Promise<Changes> {
  const turn = createTurns();
  const copy: Record<string, unknown> = {};
  for (const [part, value] of Object.entries(changes) as [string, unknown][]) {
    if (!Array.isArray(value)) {
      copy[part] = structuredClone(value);
      continue;
    }
    const list: unknown[] = [];
    copy[part] = list;
    for (const one of value) {
      list.push(structuredClone(one));
      const others = turn();
      if (others !== undefined) await others;
    }
  }
  return copy;
}
