import { CsvError, parse } from "csv-parse/sync";
import { maxImportedMachines } from "#api/machine-requests.ts";
import type { FieldError } from "#api/problem.ts";
import { quoteValue } from "#lib/quote-value.ts";
import { DomainError } from "../errors.ts";

/** Each machine has 64 labels at most. */
const maxColumns = 1000;

export interface CsvRow {
  /** Counted from 1, which is the heading; a quoted cell may span lines. */
  line: number;
  cells: Map<string, string>;
}

interface CsvRecord {
  line: number;
  /** Trimmed. */
  cells: string[];
}

/**
 * Reads the rows of a CSV text (RFC 4180) by their headings, without empty cells, rows and columns. Throws DomainError
 * `invalid-request` with every heading and every row that does not fit.
 */
export function parseCsv(text: string): CsvRow[] {
  const [heading = { line: 1, cells: [] }, ...rows] = readRecords(text);
  const names = heading.cells.map((cell) => cell.toLowerCase());
  refuseTooMany("columns", names.length, maxColumns);
  refuseTooMany("rows", rows.length, maxImportedMachines);
  const errors = [
    ...headingErrors({ ...heading, cells: names }, rows),
    ...rows.flatMap((row) => rowErrors(names, row)),
  ];
  if (rows.length === 0) errors.push({ pointer: "", detail: "Expected rows below the headings, got none" });
  if (errors.length > 0) throw new DomainError("invalid-request", "Cannot read the CSV", { errors });
  return rows.map(({ line, cells }) => ({
    line,
    cells: new Map(names.map((name, index) => [name, cells[index] ?? ""] as const).filter(([, cell]) => cell !== "")),
  }));
}

/** Before the cells are judged, whose number is that of the columns times that of the rows. */
function refuseTooMany(what: string, count: number, most: number): void {
  const errors = [{ pointer: "", detail: `Expected at most ${most} ${what}, got ${count}` }];
  if (count > most) throw new DomainError("invalid-request", "Cannot read the CSV", { errors });
}

/** Spreadsheets save columns that are empty: one without a name and without any cell is none. */
function headingErrors({ line, cells: names }: CsvRecord, rows: readonly CsvRecord[]): FieldError[] {
  const pointer = `/${line}`;
  return names.flatMap((name, index) => {
    if (name === "")
      return rows.some(({ cells }) => isFilled(cells[index]))
        ? [{ pointer, detail: `Expected a heading for each column with cells, got none for column ${index + 1}` }]
        : [];
    return names.indexOf(name) < index
      ? [{ pointer, detail: `Expected each column once, got ${quoteValue(name)} twice` }]
      : [];
  });
}

function rowErrors(names: readonly string[], { line, cells }: CsvRecord): FieldError[] {
  const least = names.findLastIndex(isFilled) + 1;
  const most = cells.findLastIndex(isFilled) + 1;
  if (cells.length >= least && most <= names.length) return [];
  const got = Math.max(most, Math.min(cells.length, least));
  return [{ pointer: `/${line}`, detail: `Expected ${least} cells, one for each heading, got ${got}` }];
}

const isFilled = (cell: string | undefined) => cell !== undefined && cell !== "";

/**
 * Returns every record with a cell that is not blank. An error names its record's first line: an open quote swallows
 * the rest.
 */
function readRecords(text: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let line = 1;
  const onRecord = (raw: string[]) => {
    const cells = raw.map((cell) => cell.trim());
    if (cells.some(isFilled)) records.push({ line, cells });
    line += 1 + (raw.join(",").match(/\r\n|\r|\n/g)?.length ?? 0);
    return null;
  };
  try {
    // `bom`: spreadsheets begin with a byte order mark. Old ones end lines with CR alone.
    parse(text, { bom: true, relax_column_count: true, record_delimiter: ["\r\n", "\n", "\r"], on_record: onRecord });
    return records;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const detail = `Expected closed quotes around whole cells, got others in column ${Number(error["index"]) + 1}`;
    throw new DomainError("invalid-request", "Cannot read the CSV", { errors: [{ pointer: `/${line}`, detail }] });
  }
}
