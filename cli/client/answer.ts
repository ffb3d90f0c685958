import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { formatFieldError, formatFieldErrors, parseFields } from "#api/field-errors.ts";
import { Problem } from "#api/problem.ts";
import { printable } from "../display/printable.ts";
import { CliError, exitCodes, type ExitCode } from "../exit-code.ts";

export const mediaType = (response: IncomingMessage): string =>
  (response.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";

/** Parses an answer. Throws MisunderstoodAnswer on another content type, broken JSON or an invalid or unknown field. */
export function parseAnswer<T>(schema: z.ZodType<T>, response: IncomingMessage, body: string): T {
  if (mediaType(response) !== "application/json")
    throw misunderstood(`expected content type application/json, got "${mediaType(response)}"`);
  const { data, errors } = parseFields(schema, parseJson(body));
  if (errors) throw misunderstood(formatFieldErrors(errors));
  return data;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw misunderstood((error as Error).message);
  }
}

/** An answer that a retry would not change. */
export class MisunderstoodAnswer extends CliError {
  override name = "MisunderstoodAnswer";
}

export const misunderstood = (why: string) =>
  new MisunderstoodAnswer(
    exitCodes.unreachable,
    `Cannot understand the server's answer: ${why}; client and server may be of different versions`,
  );

/** Turns a problem document (RFC 9457) into an error that lists every invalid field, one a line. */
export function toProblemError(response: IncomingMessage, body: string): CliError {
  const status = response.statusCode ?? 0;
  if (mediaType(response) !== "application/problem+json")
    return misunderstood(`status ${status} with content type "${mediaType(response)}"`);
  const { data, errors: misfits } = parseFields(Problem, parseJson(body));
  if (misfits) return misunderstood(formatFieldErrors(misfits));
  const { title, detail, errors = [] } = data;
  const lines = [detail === undefined ? title : `${title}: ${detail}`];
  if (status === 401) lines.push("  give the server's token with --token-file FILE or SPROUT_TOKEN");
  lines.push(...errors.map((error) => `  ${formatFieldError(error)}`));
  return new CliError(toExitCode(status), printable(lines.join("\n")));
}

function toExitCode(status: number): ExitCode {
  if (status === 404 || status === 410) return exitCodes.notFound;
  if (status === 409) return exitCodes.failed;
  if (status === 408 || status === 504) return exitCodes.timeout;
  return status >= 500 ? exitCodes.unreachable : exitCodes.usage;
}
