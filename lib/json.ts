/** Parses JSON. Returns undefined if the text is not JSON, for a schema to refuse with everything else. */
export function parseJsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
