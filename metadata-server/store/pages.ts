interface PageOptions<Item, Cursor> {
  /** Reads the items that follow `after`, at most `pageSize`; the first ones if `after` is undefined. */
  read: (after: Cursor | undefined) => Promise<Item[]>;
  pageSize: number;
  cursorOf: (item: Item) => Cursor;
}

/** Yields a list page by page. No page is empty. */
export async function* pages<Item, Cursor>(options: PageOptions<Item, Cursor>): AsyncGenerator<Item[]> {
  const { read, pageSize, cursorOf } = options;
  for (let after: Cursor | undefined; ;) {
    const page = await read(after);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.length < pageSize) return;
    after = cursorOf(last);
  }
}
