import { stripVTControlCharacters } from "node:util";

/**
 * Text that a machine or a stranger wrote, for a terminal: without escape sequences and control characters, which
 * could move the cursor, hide lines or answer in the user's place. Line feeds and tabs stay.
 */
export const printable = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
