import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { z } from "zod";
import { HttpProblem, toInvalidRequest } from "./problem.ts";

export const limitBody = (maxBytes: number): MiddlewareHandler =>
  bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new HttpProblem("too-large", `The body is larger than ${maxBytes} bytes`);
    },
  });

/** Throws HttpProblem or DomainError `invalid-request` with every invalid field. */
export async function parseBody<T extends z.ZodType>(c: Context, schema: T): Promise<z.output<T>> {
  const mediaType = c.req.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (mediaType !== "application/json")
    throw new HttpProblem("unsupported-media-type", `Content-Type is "${mediaType}"; send application/json`);
  return parse(schema, parseJson(await c.req.text()));
}

/** A parameter that is given twice is an error where the schema has no list for it. */
export function parseQuery<T extends z.ZodType>(c: Context, schema: T): z.output<T> {
  const entries = Object.entries(c.req.queries());
  return parse(
    schema,
    Object.fromEntries(entries.map(([name, values]) => [name, values.length > 1 ? values : values[0]])),
  );
}

export function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw toInvalidRequest(parsed.error);
  return parsed.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpProblem("malformed-json", `The body is not JSON: ${(error as Error).message}`);
  }
}
