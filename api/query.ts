import { z } from "zod";

/** Fifteen digits, so that every such number is exact. */
const largest = 999_999_999_999_999;

/**
 * A whole number in a query or a header, where everything is text. OpenAPI describes the number; without the override it
 * would describe the text.
 */
export function queryInteger(minimum: number, maximum = largest) {
  const range = maximum === largest ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  const expected = `a whole number ${range}`;
  return z
    .string(expected)
    .regex(/^\d{1,15}$/)
    .transform(Number)
    .pipe(z.int(expected).min(minimum).max(maximum))
    .meta({
      override({ jsonSchema }) {
        delete jsonSchema.pattern;
        Object.assign(jsonSchema, { type: "integer", minimum, maximum });
      },
    });
}
