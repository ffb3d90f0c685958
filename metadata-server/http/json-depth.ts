/** No body of the API has more than eight levels. */
export const maxDepth = 64;

const [quote, backslash, list, listEnd, object, objectEnd] = Array.from('"\\[]{}', (character) =>
  character.charCodeAt(0),
);

/** Says whether lists and objects are nested deeper than 64 levels. Reads any text once, whether it is JSON or not. */
export function isTooDeep(text: string): boolean {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === backslash) at += 1;
      else if (code === quote) isInString = false;
    } else if (code === quote) isInString = true;
    else if (code === list || code === object) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (code === listEnd || code === objectEnd) depth -= 1;
  }
  return false;
}
