import { readdir } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseFields } from "./field-errors.ts";

const files = (await readdir(import.meta.dirname)).filter((file) => /^[a-z0-9-]+\.ts$/.test(file));
const modules = await Promise.all(
  files.map(async (file) => Object.entries((await import(`./${file}`)) as Record<string, unknown>)),
);
const schemas = modules
  .flat()
  .filter((entry): entry is [string, z.ZodType] => entry[1] instanceof z.ZodType)
  .map(([name, schema]) => [name, schema] as const);

const planted = "s3cret\u001B-0123456789-0123456789-0123456789-0123456789";
const wrong = [undefined, null, true, -1, 0, 1.5, 1e300, "", planted, planted.repeat(9), "0", [], [planted], {}];

/** Returns values that are probably wrong in one place each, for every place of the schema. */
function variants(schema: z.core.$ZodType, depth = 0): unknown[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return variants(schema.unwrap(), depth);
  if (schema instanceof z.ZodPipe) return [...variants(schema.in, depth), ...variants(schema.out, depth)];
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => variants(option, depth));
  if (schema instanceof z.ZodArray && depth < 4)
    return [...wrong, ...variants(schema.element, depth + 1).map((value) => [value]), Array(2000).fill(planted)];
  if (schema instanceof z.ZodRecord && depth < 4)
    return [...wrong, ...wrong.flatMap((value) => ["a", "", planted].map((key) => ({ [key]: value })))];
  if (!(schema instanceof z.ZodObject) || depth === 4) return wrong;
  const literals = Object.entries(schema.shape).flatMap(([key, field]) =>
    field instanceof z.ZodLiteral ? [[key, field.value] as const] : [],
  );
  const within = Object.entries(schema.shape).flatMap(([key, field]) =>
    variants(field, depth + 1).map((value) => ({ ...Object.fromEntries(literals), [key]: value })),
  );
  return [...wrong, { [planted]: planted }, ...within];
}

const detailsOf = (schema: z.ZodType, options = {}) =>
  variants(schema).flatMap((value) => (parseFields(schema, value, options).errors ?? []).map(({ detail }) => detail));

describe.each(schemas)("%s", (_name, schema) => {
  it("refuses in the voice of field errors, printable and without zod's own texts", () => {
    const strange = detailsOf(schema, { mayQuote: () => true }).filter(
      (detail) =>
        !/^(Unknown field|Expected \S[^\p{Cc}]*)$/u.test(detail) ||
        /invalid|too (small|big)|unrecognized|received|must|matches \/|another value|a union/i.test(detail) ||
        detail.length > 500,
    );
    expect(new Set(strange)).toEqual(new Set());
  });

  it("quotes no value by default", () => {
    expect(detailsOf(schema).filter((detail) => detail.includes("s3cret"))).toEqual([]);
  });
});
