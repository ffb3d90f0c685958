import { stripVTControlCharacters } from "node:util";

/**
 * Left-aligned columns two spaces apart, headings in capitals, as kubectl prints them. Cells may be coloured.
 * The last column is not padded. Ends with a line break.
 */
export function renderTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings.map((heading) => heading.toUpperCase()), ...rows];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => visibleWidth(line[column] ?? ""))));
  const toLine = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - visibleWidth(cell)))
      .join("  ")
      .trimEnd();
  return lines.map((line) => `${toLine(line)}\n`).join("");
}

/** Characters a text takes on the terminal; all that is printed here is one cell wide. */
export const visibleWidth = (text: string): number => Array.from(stripVTControlCharacters(text)).length;

/** Cuts an uncoloured text to `width` characters, with an ellipsis where something is lost. */
export function truncate(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
}
