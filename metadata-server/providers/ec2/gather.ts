/**
 * Gathers what is asked for under one key within one turn of the event loop, `limit` of it at most, and does that at
 * once. `work` answers for each item in order.
 */
export function gather<Item, Result>(
  work: (items: Item[]) => Promise<Result[]>,
  { keyOf, limit }: { keyOf: (item: Item) => string; limit: number },
): (item: Item) => Promise<Result> {
  interface Waiting {
    item: Item;
    resolve: (result: Result) => void;
    reject: (error: unknown) => void;
  }
  const groups = new Map<string, Waiting[]>();

  const finish = async (group: Waiting[]) => {
    try {
      const results = await work(group.map(({ item }) => item));
      for (const [index, { resolve }] of group.entries()) resolve(results[index]!);
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  };

  return (item) => {
    const key = keyOf(item);
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const open = groups.get(key);
    if (open !== undefined && open.length < limit) open.push({ item, resolve, reject });
    else {
      const group = [{ item, resolve, reject }];
      groups.set(key, group);
      setImmediate(() => {
        if (groups.get(key) === group) groups.delete(key);
        void finish(group);
      });
    }
    return promise;
  };
}
