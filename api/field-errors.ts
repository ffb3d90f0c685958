import type { core, z } from "zod";
import { toJsonPointer } from "#lib/json-pointer.ts";
import { quoteValue, shorten, toOneLine } from "#lib/quote-value.ts";
import { countOf, describeExpectation } from "./expectation.ts";
import type { FieldError } from "./problem.ts";

type Path = readonly PropertyKey[];

/** Unknown and lost fields that an answer lists, so that it stays in proportion to a body with nothing else. */
export const maxListedFields = 20;

export interface FieldOptions {
  /** Whether a message may quote the value at this path. By default none may: the document may hold secrets. */
  mayQuote?: (path: Path) => boolean;
}

export type ParsedFields<T> = { data: T; errors?: undefined } | { data?: undefined; errors: FieldError[] };

/**
 * Parses a value, or returns every invalid field at once. A schema's own texts say only what is expected, such as "an
 * IPv4 address"; a custom issue may say in `params.got` what was found instead.
 */
export function parseFields<T extends z.ZodType>(
  schema: T,
  value: unknown,
  options: FieldOptions = {},
): ParsedFields<z.output<T>> {
  const parsed = schema.safeParse(value, { error: describeExpectation });
  if (parsed.success) return { data: parsed.data };
  const { issues } = parsed.error;
  const errors = [
    ...limitUnknown(issues).flatMap((issue) => toFieldErrors(issue, { value, ...options })),
    ...countUnknown(issues),
  ];
  return { errors: [...new Map(errors.map((error) => [JSON.stringify(error), error])).values()] };
}

/** Says what was expected in place of a value. */
export const mismatch = (expected: string, value: unknown): string => `Expected ${expected}, got ${quoteValue(value)}`;

/** An error as text; without its pointer if it is about the whole document. */
export const formatFieldError = ({ pointer, detail }: FieldError): string =>
  pointer === "" ? detail : `${toOneLine(shorten(pointer, 200))}: ${detail}`;

/** All errors on one line. */
export const formatFieldErrors = (errors: readonly FieldError[]): string => errors.map(formatFieldError).join("; ");

/** Keeps the first 20 unknown fields. */
function limitUnknown(issues: readonly core.$ZodIssue[]): core.$ZodIssue[] {
  let room = maxListedFields;
  return issues.map((issue) => {
    if (issue.code !== "unrecognized_keys") return issue;
    const keys = issue.keys.slice(0, room);
    room -= keys.length;
    return { ...issue, keys };
  });
}

/** Returns one error with the number of unknown fields if there are more than the listed ones. */
function countUnknown(issues: readonly core.$ZodIssue[]): FieldError[] {
  const count = issues.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 0), 0);
  return count > maxListedFields
    ? [{ pointer: "", detail: `Expected known fields alone, got ${count} unknown ones` }]
    : [];
}

function toFieldErrors(issue: core.$ZodIssue, context: FieldOptions & { value: unknown }): FieldError[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => ({ pointer: toJsonPointer([...path, key]), detail: "Unknown field" }));
  if (issue.code === "invalid_union") {
    const inner = issue.errors.find((issues) => issues.every((each) => each.path.length > 0));
    if (inner !== undefined && inner.length > 0)
      return inner.flatMap((each) => toFieldErrors({ ...each, path: [...path, ...each.path] }, context));
  }
  return [{ pointer: toJsonPointer(path), detail: `Expected ${issue.message}${toFinding(issue, context)}` }];
}

/** The ", got Y" of a message; left out if Y is a value that must not be quoted. */
function toFinding(
  issue: core.$ZodIssue,
  { value, mayQuote = () => false }: FieldOptions & { value: unknown },
): string {
  const isQuotable = mayQuote(issue.path);
  if (isQuotable && issue.code === "custom" && typeof issue.params?.["got"] === "string")
    return `, got ${issue.params["got"]}`;
  const found =
    issue.code === "invalid_key" && issue.origin === "record" ? issue.path.at(-1) : valueAt(value, issue.path);
  if (found === undefined) return ", got nothing";
  if (!isQuotable) return "";
  if (issue.code === "too_big" || issue.code === "too_small") {
    if (typeof found === "string" && issue.origin === "string")
      return `, got ${countOf(Array.from(found).length, "character")}`;
    if (Array.isArray(found)) return `, got ${countOf(found.length, "item")}`;
  }
  return `, got ${quoteValue(found)}`;
}

/** Of a text that the schema splits into a list, the whole text. */
function valueAt(value: unknown, [key, ...rest]: Path): unknown {
  if (key === undefined || typeof value !== "object" || value === null) return value;
  return Object.hasOwn(value, key) ? valueAt((value as Record<PropertyKey, unknown>)[key], rest) : undefined;
}
