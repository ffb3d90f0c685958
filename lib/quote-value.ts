const maxCharacters = 40;

/** Control characters, lone surrogates and whatever breaks or turns a line. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * A value for a message: printable, on one line, and text shortened to 40 characters. Lists and objects are only named,
 * because any part of them may be secret. Undefined is "nothing".
 */
export function quoteValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return toOneLine(JSON.stringify(shorten(value, maxCharacters)));
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** Escapes what a terminal or a log must not get, as JSON does. */
export const toOneLine = (text: string): string => text.replaceAll(unprintable, escapeCharacter);

/** At most so many characters, the last of them "…" if some are left out. */
export function shorten(text: string, most: number): string {
  // A character has at most two UTF-16 units.
  const characters = Array.from(text.slice(0, 2 * most + 2));
  return characters.length > most ? `${characters.slice(0, most - 1).join("")}…` : text;
}

const escapeCharacter = (character: string) =>
  Array.from(
    { length: character.length },
    (_, index) => String.raw`\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`,
  ).join("");
