import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";
import type { BodyContent } from "./openapi.ts";
import { type BodyText, parse } from "./parse-body.ts";
import { HttpProblem } from "./problem.ts";

export const limitBody = (maxBytes: number): MiddlewareHandler =>
  bodyLimit({
    maxSize: maxBytes,
    onError: () => {
      throw new HttpProblem("too-large", `The body is larger than ${maxBytes} bytes`);
    },
  });

/** Reads the body as text of the media type that the request names, which must be one of these. Throws HttpProblem. */
export async function readBody(c: Context, content: BodyContent): Promise<BodyText> {
  const given = mediaTypeOf(c);
  const mediaType = Object.hasOwn(content, given) ? given : "application/json";
  return { mediaType, text: await parseText(c, mediaType) };
}

/** Returns the body as text (UTF-8) if it has that media type. Throws HttpProblem. */
export async function parseText(c: Context, mediaType: string): Promise<string> {
  refuseOtherMedia(c, mediaType);
  return decode(await c.req.arrayBuffer());
}

const mediaTypeOf = (c: Context) => (c.req.header("content-type") ?? "").split(";", 1).join().trim().toLowerCase();

/** A parameter with a list in the schema is a list even if it is given once; any other must not be given twice. */
export function createQueryParser<T extends z.ZodObject>(schema: T): (c: Context) => z.output<T> {
  const lists = new Set(Object.keys(schema.shape).filter((name) => isList(schema.shape[name])));
  return (c) => {
    const entries = Object.entries(c.req.queries());
    return parse(
      schema,
      Object.fromEntries(
        entries.map(([name, values]) => [name, values.length > 1 || lists.has(name) ? values : values[0]]),
      ),
    );
  };
}

const isList = (schema: unknown): boolean =>
  schema instanceof z.ZodOptional ? isList(schema.unwrap()) : schema instanceof z.ZodArray;

export const parseHeaders = <T extends z.ZodObject>(c: Context, schema: T): z.output<T> =>
  parse(schema, Object.fromEntries(Object.keys(schema.shape).map((name) => [name, c.req.header(name)])));

/** JSON is UTF-8 (RFC 8259, 8.1), and the server decompresses no body. */
function refuseOtherMedia(c: Context, wanted: string): void {
  const [type = "", ...parameters] = (c.req.header("content-type") ?? "").split(";").map((part) => part.trim());
  if (type.toLowerCase() !== wanted)
    throw new HttpProblem("unsupported-media-type", `Content-Type is "${type}"; send ${wanted}`);
  const charset = parameters.find((parameter) => /^charset=/i.test(parameter));
  if (charset !== undefined && !/^charset="?utf-8"?$/i.test(charset))
    throw new HttpProblem("unsupported-media-type", `Content-Type has ${charset}; send UTF-8`);
  const encoding = c.req.header("content-encoding") ?? "identity";
  if (encoding !== "identity")
    throw new HttpProblem(
      "unsupported-media-type",
      `Content-Encoding is "${encoding}"; send the body without compression`,
    );
}

function decode(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new HttpProblem("malformed-json", `The body is not UTF-8: ${(error as Error).message}`);
  }
}
