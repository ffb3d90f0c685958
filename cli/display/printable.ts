import { stripVTControlCharacters } from "node:util";

/**
 * Makes untrusted text safe for a terminal. Removes escape sequences, control characters and format characters, which
 * could move the cursor, turn or hide text, or type for the user, and Unicode's line and paragraph separators. Line feeds
 * and tabs stay.
 */
export const printable = (text: string): string =>
  stripVTControlCharacters(text).replaceAll(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "");
