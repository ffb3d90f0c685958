/** Positions of the first and the last byte. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * `Range` of RFC 9110, 14.1.2, for `sizeBytes` in all. Undefined where all is to be sent: what is not one valid range of
 * bytes may be ignored (14.2), and so is a list of several.
 */
export function parseByteRange(header: string | undefined, sizeBytes: number): ByteRange | "unsatisfiable" | undefined {
  const [, first = "", last = ""] = /^bytes=(\d*)-(\d*)$/i.exec(header?.trim() ?? "") ?? [];
  if (first === "" && last === "") return undefined;
  const end = last === "" || first === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  const start = first === "" ? Math.max(sizeBytes - Number(last), 0) : Number(first);
  if (first !== "" && last !== "" && Number(last) < Number(first)) return undefined;
  return start > end ? "unsatisfiable" : { start, end };
}
