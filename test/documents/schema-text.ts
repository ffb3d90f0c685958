import type { Schema } from "./openapi-types.ts";

const formats: Record<string, string> = {
  "date-time": "RFC 3339 time",
  ipv4: "IPv4 address",
  ipv6: "IPv6 address",
  cidrv4: "IPv4 CIDR",
  uri: "URL",
  uuid: "UUID",
};

/** What a value may be, in Markdown: its type, its limits, and links to named schemas. */
export function describeType(schema: Schema): string {
  const { $ref, type, const: only, enum: values, items, anyOf, oneOf, additionalProperties } = schema;
  if ($ref !== undefined) return withLimits(linkTo($ref), schema);
  if (only !== undefined) return code(only);
  if (values !== undefined) return values.map(code).join(", ");
  const options = anyOf ?? oneOf;
  if (options !== undefined) return [...new Set(options.map(describeType))].join(" or ");
  if (items !== undefined) return withLimits(`list of ${describeType(items)}`, schema);
  if (typeof additionalProperties === "object") return `map to ${describeType(additionalProperties)}`;
  return withLimits(formats[schema.format ?? ""] ?? [type ?? "any value"].flat().join(" or "), schema);
}

/** What a field, or a parameter in its `place`, may be and is for. */
export function describeField(name: string, schema: Schema, place: { in?: string; isRequired: boolean }): string {
  const facts = [place.in, place.isRequired ? "required" : undefined].filter((fact) => fact !== undefined);
  const head = facts.length > 0 ? `${code(name)} (${facts.join(", ")})` : code(name);
  const after = [
    schema.default === undefined ? "" : `; default ${code(schema.default)}`,
    schema.description === undefined ? "" : `. ${schema.description}`,
  ];
  return `${head}: ${describeType(schema)}${after.join("")}`;
}

/**
 * Every field in order. Those of a nested object without a name follow it as `outer.inner`, of a list as
 * `outer[].inner`.
 */
export function describeFields({ properties = {}, required = [] }: Schema, outer = ""): string[] {
  return Object.entries(properties).flatMap(([name, field]) => {
    const path = `${outer}${name}`;
    const inner = field.items ?? field.anyOf?.find(({ properties: nested }) => nested) ?? field;
    return [
      describeField(path, field, { isRequired: required.includes(name) }),
      ...describeFields(inner, `${path}${field.items ? "[]" : ""}.`),
    ];
  });
}

export const code = (value: unknown): string => `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;

function linkTo($ref: string): string {
  const name = $ref.split("/").at(-1) ?? $ref;
  return `[${name}](#${name.toLowerCase()})`;
}

function withLimits(type: string, schema: Schema): string {
  const { minimum, exclusiveMinimum, maximum, minLength, maxLength, minItems, maxItems, pattern, format } = schema;
  const limits = [
    exclusiveMinimum === undefined ? "" : `above ${exclusiveMinimum}`,
    range(unlessSafe(minimum), unlessSafe(maximum)),
    range(minLength, maxLength, " characters"),
    range(minItems, maxItems, " items"),
    // A format says the same in a word.
    pattern === undefined || (format ?? "") in formats ? "" : `matching ${code(pattern)}`,
  ];
  return [type, ...limits.filter((text) => text !== "")].join(", ");
}

/** Every integer is within the safe ones. */
const unlessSafe = (limit: number | undefined) =>
  Number.MAX_SAFE_INTEGER === Math.abs(limit ?? 0) ? undefined : limit;

function range(least: number | undefined, most: number | undefined, unit = ""): string {
  if (least === undefined && most === undefined) return "";
  if (least === undefined) return `at most ${most}${unit}`;
  return most === undefined ? `at least ${least}${unit}` : `${least} to ${most}${unit}`;
}
