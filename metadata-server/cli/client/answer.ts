import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import { Problem } from "#api/problem.ts";
import { printable } from "../display/printable.ts";
import { CliError, exitCodes, type ExitCode } from "../exit-code.ts";

export const mediaType = (response: IncomingMessage): string =>
  (response.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";

/** Strict: another content type, broken JSON or an unknown field is an error that names the place. */
export function parseAnswer<T>(schema: z.ZodType<T>, response: IncomingMessage, body: string): T {
  if (mediaType(response) !== "application/json")
    throw misunderstood(`content type is "${mediaType(response)}" where application/json is expected`);
  const result = schema.safeParse(parseJson(body));
  if (!result.success) throw misunderstood(result.error.issues.map(toLine).join("; "));
  return result.data;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw misunderstood((error as Error).message);
  }
}

/** Asking again would not help. */
export class MisunderstoodAnswer extends CliError {
  override name = "MisunderstoodAnswer";
}

export const misunderstood = (why: string) =>
  new MisunderstoodAnswer(
    exitCodes.unreachable,
    `Cannot understand the server's answer: ${why}; client and server may be of different versions`,
  );

/** RFC 9457 → an error that lists every invalid field, a line each. */
export function toProblemError(response: IncomingMessage, body: string): CliError {
  const status = response.statusCode ?? 0;
  if (mediaType(response) !== "application/problem+json")
    return misunderstood(`status ${status} with content type "${mediaType(response)}"`);
  const result = Problem.safeParse(parseJson(body));
  if (!result.success) return misunderstood(result.error.issues.map(toLine).join("; "));
  const { title, detail, errors = [] } = result.data;
  const lines = [detail === undefined ? title : `${title}: ${detail}`];
  if (status === 401) lines.push("  give the server's token with --token-file FILE or SPROUT_TOKEN");
  lines.push(...errors.map((error) => `  ${error.pointer}: ${error.detail}`));
  return new CliError(toExitCode(status), printable(lines.join("\n")));
}

function toExitCode(status: number): ExitCode {
  if (status === 404 || status === 410) return exitCodes.notFound;
  if (status === 409) return exitCodes.failed;
  if (status === 408 || status === 504) return exitCodes.timeout;
  return status >= 500 ? exitCodes.unreachable : exitCodes.usage;
}

const toLine = (issue: z.core.$ZodIssue) => `/${issue.path.map(String).join("/")} ${issue.message}`;
