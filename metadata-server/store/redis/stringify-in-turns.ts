import { createTurns } from "#lib/turns.ts";

type Todo = readonly (() => unknown)[];

/** Returns a list whose items are made one by one, when they are stringified. */
export const toDo = <T>(records: readonly T[], toItem: (record: T) => unknown): Todo =>
  records.map((record) => () => toItem(record));

/**
 * Returns these lists as the members of a JSON object, without its braces. Short ones are complete before it returns;
 * with thousands of items it gives others their turn.
 */
export async function stringifyInTurns(lists: Readonly<Record<string, Todo>>): Promise<string> {
  const turn = createTurns();
  const texts: string[] = [];
  for (const [name, list] of Object.entries(lists)) {
    const items: string[] = [];
    for (const toItem of list) {
      items.push(JSON.stringify(toItem()));
      const others = turn();
      if (others !== undefined) await others;
    }
    texts.push(`${JSON.stringify(name)}:[${items.join(",")}]`);
  }
  return texts.join(",");
}
