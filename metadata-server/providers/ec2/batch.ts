/**
 * Collects the items with one key that arrive in one turn of the event loop, at most `limit`, for one call of `work`,
 * which returns a result for each item, in order.
 */
export function batch<Item, Result>(
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
