import type { core } from "zod";

const kinds: Record<string, string> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  null: "null",
};

const formats: Record<string, string> = {
  url: "a URL",
  ipv4: "an IPv4 address",
  ipv6: "an IPv6 address",
  cidrv4: "an IPv4 CIDR",
  datetime: "a time such as 2026-01-31T12:00:00Z",
  guid: "a UUID",
  base64: "base64",
  base64url: "base64url",
};

const list = new Intl.ListFormat("en", { type: "disjunction" });

/**
 * Says what a field must be if its schema does not: the X of "Expected X, got Y". It is zod's error map, and takes both
 * ends of a range from the schema, since an issue has only one.
 */
export function describeExpectation(issue: core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
    case "too_small":
    case "too_big":
      return describeKind(issue);
    case "not_multiple_of":
      return `a multiple of ${issue.divisor}`;
    case "invalid_value":
      return list.format(issue.values.map(quote));
    case "invalid_format":
      return describeFormat(issue);
    case "invalid_union":
      return describeUnion(issue);
    case "invalid_key":
    case "invalid_element":
      return issue.issues[0]?.message ?? unknown;
    default:
      return unknown;
  }
}

const unknown = "another value";
const quote = (value: unknown) => JSON.stringify(value) ?? String(value);

type KindIssue = core.$ZodRawIssue<core.$ZodIssueInvalidType | core.$ZodIssueTooSmall | core.$ZodIssueTooBig>;

function describeKind(issue: KindIssue): string {
  const { type, format, limits } = readSchema(issue.schema);
  // A discriminated union says "union" where it expects an object.
  const kind = type in kinds ? type : issue.code === "invalid_type" ? issue.expected : issue.origin;
  const { least, most, above, below } = { ...limitOf(issue), ...limits };
  const name = (format === undefined ? undefined : formats[format]) ?? kinds[kind] ?? `a ${kind}`;
  if (kind === "string") return name + sizeText("character", { least, most });
  if (kind === "array") return name + sizeText("item", { least, most });
  if (kind === "int" && above !== undefined) return name + rangeText({ least: above + 1, most });
  return name + rangeText({ least, most, above, below });
}

/** Limits of a number, or of the length of a text or a list. */
interface Limits {
  least?: number | undefined;
  most?: number | undefined;
  above?: number | undefined;
  below?: number | undefined;
}

const limitOf = (issue: KindIssue): Limits => {
  if (issue.code === "too_small") return { [issue.inclusive === false ? "above" : "least"]: Number(issue.minimum) };
  return issue.code === "too_big" ? { [issue.inclusive === false ? "below" : "most"]: Number(issue.maximum) } : {};
};

/** What a schema and its checks say; a format such as `z.int()` is a check as well. */
function readSchema(schema: core.$ZodType | undefined): { type: string; format?: string | undefined; limits: Limits } {
  if (schema === undefined) return { type: "unknown", limits: {} };
  const { type = "unknown", ...definition } = definitionOf(schema);
  const checks = [definition, ...(definition.checks ?? []).map(definitionOf)];
  const limits: Limits = Object.assign({}, ...checks.map(toLimits));
  const format = checks.find(({ check }) => check === "string_format")?.format;
  const isInt = checks.some(({ check }) => check === "number_format");
  return { type: isInt ? "int" : type, format, limits };
}

// oxlint-disable-next-line no-underscore-dangle -- where zod lets libraries read a schema
const definitionOf = ({ _zod }: core.$ZodType | core.$ZodCheck): Definition => _zod.def;

/** Of a schema or of one of its checks. */
interface Definition {
  type?: string;
  checks?: core.$ZodCheck[];
  check?: string;
  format?: string;
  value?: number;
  inclusive?: boolean;
  minimum?: number;
  maximum?: number;
  length?: number;
}

function toLimits({ check, value, inclusive, minimum, maximum, length }: Definition): Limits {
  if (check === "greater_than") return inclusive ? { least: value } : { above: value };
  if (check === "less_than") return inclusive ? { most: value } : { below: value };
  if (check === "min_length") return { least: minimum };
  if (check === "max_length") return { most: maximum };
  return check === "length_equals" ? { least: length, most: length } : {};
}

function sizeText(unit: string, { least, most }: Limits): string {
  if (least !== undefined && most !== undefined)
    return least === most ? ` of ${countOf(least, unit)}` : ` of ${least} to ${countOf(most, unit)}`;
  if (least !== undefined) return ` of at least ${countOf(least, unit)}`;
  return most === undefined ? "" : ` of at most ${countOf(most, unit)}`;
}

export const countOf = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? "" : "s"}`;

function rangeText({ least, most, above, below }: Limits): string {
  if (least !== undefined && most !== undefined) return ` from ${least} to ${most}`;
  const ends = [
    least !== undefined && ` of at least ${least}`,
    above !== undefined && ` above ${above}`,
    most !== undefined && ` of at most ${most}`,
    below !== undefined && ` below ${below}`,
  ];
  return ends.filter((end) => end !== false).join(" and");
}

function describeFormat(issue: core.$ZodRawIssue<core.$ZodIssueInvalidStringFormat>): string {
  const { prefix, suffix, includes } = issue as { prefix?: string; suffix?: string; includes?: string };
  if (prefix !== undefined) return `text that starts with ${quote(prefix)}`;
  if (suffix !== undefined) return `text that ends with ${quote(suffix)}`;
  if (includes !== undefined) return `text with ${quote(includes)}`;
  if (issue.format === "regex") return `text that matches ${issue.pattern}`;
  return formats[issue.format] ?? `text in the format ${issue.format}`;
}

function describeUnion(issue: core.$ZodRawIssue<core.$ZodIssueInvalidUnion>): string {
  const options = issue.options as unknown[] | undefined;
  if (options !== undefined) return list.format(options.map(quote));
  const [...texts] = new Set(issue.errors.map(([first]) => first?.message ?? unknown));
  return texts.length === 0 ? unknown : list.format(texts);
}
