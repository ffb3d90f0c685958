import type { z } from "zod";
import { parseFields } from "#api/field-errors.ts";
import type { FieldError } from "#api/problem.ts";
import { mayQuote } from "#api/secret-fields.ts";
import { toOneLine } from "#lib/quote-value.ts";
import { DomainError } from "../errors.ts";
import { isTooDeep, maxDepth } from "./json-depth.ts";
import { findLostFields } from "./lost-fields.ts";
import type { BodyContent } from "./openapi.ts";
import { HttpProblem } from "./problem.ts";

export interface BodyText {
  mediaType: string;
  text: string;
}

/** Throws HttpProblem `malformed-json`, or DomainError `invalid-request` with every invalid field. */
export function parseBody(content: BodyContent, { mediaType, text }: BodyText): unknown {
  const schema = content[mediaType] ?? content["application/json"];
  if (mediaType !== "application/json") return parse(schema, text);
  const json = parseJsonText(text);
  const lost = findLostFields(text);
  if (lost.length > 0) throw invalidFields(lost);
  return parse(schema, json);
}

/** Throws HttpProblem `malformed-json`, and DomainError `invalid-request` before all other work if it is too deep. */
export function parseJsonText(text: string): unknown {
  if (isTooDeep(text))
    throw invalidFields([
      { pointer: "", detail: `Expected at most ${maxDepth} levels of lists and objects, got more` },
    ]);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new HttpProblem("malformed-json", `The body is not JSON: ${toOneLine((error as Error).message)}`);
  }
}

/** Throws DomainError `invalid-request` with every invalid field. */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const { data, errors } = parseFields(schema, value, { mayQuote });
  if (errors) throw invalidFields(errors);
  return data;
}

const invalidFields = (errors: FieldError[]) =>
  new DomainError("invalid-request", "The request has invalid fields", { errors });
