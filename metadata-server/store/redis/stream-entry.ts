/** Parses an entry of a stream; its id is its sequence. */
export const toEntry = ([id, [, json]]: [id: string, fields: string[]]): object => ({
  sequence: Number.parseInt(id, 10),
  ...(JSON.parse(json ?? "{}") as object),
});
