/** Positions of the first and the last byte. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Parses a `Range` header (RFC 9110, 14.1.2) for a file of `sizeBytes`. Undefined: send the whole file. A server may
 * ignore what is not one valid byte range (14.2), and this one also ignores a list of ranges.
 */
export function parseByteRange(header: string | undefined, sizeBytes: number): ByteRange | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const end = last === "" || first === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  const start = first === "" ? Math.max(sizeBytes - Number(last), 0) : Number(first);
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  return start > end ? "unsatisfiable" : { start, end };
}
