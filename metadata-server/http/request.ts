import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { z } from "zod";
import { DomainError } from "../errors.ts";
import { findLostFields } from "./json.ts";
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
  refuseOtherMedia(c);
  const text = decode(await c.req.arrayBuffer());
  const json = parseJsonText(text);
  const errors = findLostFields(text);
  if (errors.length > 0) throw new DomainError("invalid-request", "The request has invalid fields", { errors });
  return parse(schema, json);
}

/** UTF-8 as it is, of that media type. Throws HttpProblem. */
export async function parseText(c: Context, mediaType: string): Promise<string> {
  refuseOtherMedia(c, mediaType);
  return decode(await c.req.arrayBuffer());
}

export const mediaTypeOf = (c: Context) => (c.req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase();

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

/** JSON is UTF-8 (RFC 8259, 8.1), and nothing here unpacks what is packed. */
function refuseOtherMedia(c: Context, wanted = "application/json"): void {
  const [type = "", ...parameters] = (c.req.header("content-type") ?? "").split(";").map((part) => part.trim());
  if (type.toLowerCase() !== wanted)
    throw new HttpProblem("unsupported-media-type", `Content-Type is "${type}"; send ${wanted}`);
  const charset = parameters.find((parameter) => /^charset=/i.test(parameter));
  if (charset !== undefined && !/^charset="?utf-8"?$/i.test(charset))
    throw new HttpProblem("unsupported-media-type", `Content-Type has ${charset}; send UTF-8`);
  const encoding = c.req.header("content-encoding") ?? "identity";
  if (encoding !== "identity")
    throw new HttpProblem("unsupported-media-type", `Content-Encoding is "${encoding}"; send the body as it is`);
}

function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new HttpProblem("malformed-json", `The body is not UTF-8: ${(error as Error).message}`);
  }
}

/** Throws HttpProblem `malformed-json`. */
export function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpProblem("malformed-json", `The body is not JSON: ${(error as Error).message}`);
  }
}
