import { stripVTControlCharacters } from "node:util";

/**
 * Renders left-aligned columns two spaces apart, with headings in capitals, as kubectl does. Cells may be coloured. The
 * last column is not padded. Ends with a line break.
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

/** Returns a text's width on the terminal; every character here is one cell wide. */
export const visibleWidth = (text: string): number => Array.from(stripVTControlCharacters(text)).length;

/** Shortens an uncoloured text to `width` characters, with an ellipsis if it was longer. */
export function truncate(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
}
