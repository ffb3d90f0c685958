/** Returns the JSON pointer (RFC 6901) of a path; the empty path is the whole document, "". */
export const toJsonPointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
