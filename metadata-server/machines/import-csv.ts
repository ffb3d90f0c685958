import { DomainError } from "../errors.ts";

type FieldError = { pointer: string; detail: string };

const maxRows = 10_000;

export interface CsvRow {
  /** As people count: the heading is line 1; a quoted field may make rows longer than a line. */
  line: number;
  cells: Map<string, string>;
}

/**
 * Rows of a CSV text (RFC 4180) by their headings; empty cells are left out. Throws DomainError `invalid-request` with
 * every row that has too many or too few cells.
 */
export function parseCsv(text: string): CsvRow[] {
  const [heading, ...rows] = readRecords(text);
  const names = heading?.cells.map((cell) => cell.trim().toLowerCase()) ?? [];
  const errors: FieldError[] = names.flatMap((name, index) =>
    names.indexOf(name) < index ? [{ pointer: "/1", detail: `line 1: column ${name} is there twice` }] : [],
  );
  if (rows.length === 0) errors.push({ pointer: "", detail: "has no row below its headings" });
  if (rows.length > maxRows) errors.push({ pointer: "", detail: `has ${rows.length} rows, ${maxRows} are possible` });
  for (const { line, cells } of rows)
    if (cells.length !== names.length)
      errors.push({
        pointer: `/${line}`,
        detail: `line ${line}: has ${cells.length} cells, the headings are ${names.length}`,
      });
  if (errors.length > 0) throw new DomainError("invalid-request", "Cannot read the CSV", { errors });
  return rows.map(({ line, cells }) => ({
    line,
    cells: new Map(
      names.map((name, index) => [name, cells[index]?.trim() ?? ""] as const).filter(([, cell]) => cell !== ""),
    ),
  }));
}

/** A cell and what ends it: a comma, the end of the line, or the end of the text. */
const cellPattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;

function readRecords(text: string): { line: number; cells: string[] }[] {
  const records: { line: number; cells: string[] }[] = [];
  let line = 1;
  let current = { line, cells: [] as string[] };
  // A byte order mark is what spreadsheets begin with.
  const source = text.replace(/^\uFEFF/, "");
  cellPattern.lastIndex = 0;
  while (cellPattern.lastIndex < source.length || current.cells.length > 0) {
    const match = cellPattern.exec(source);
    if (match === null)
      throw new DomainError("invalid-request", "Cannot read the CSV", {
        errors: [{ pointer: `/${line}`, detail: `line ${line}: a quote is in the wrong place or never ends` }],
      });
    const [whole, quoted, plain = "", end] = match;
    current.cells.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    line += whole.split("\n").length - 1;
    if (end === ",") continue;
    if (current.cells.length > 1 || current.cells[0] !== "") records.push(current);
    current = { line, cells: [] };
  }
  return records;
}
