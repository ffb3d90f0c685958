import type { z } from "zod";
import { formatFieldErrors, parseFields } from "#api/field-errors.ts";
import { messageOf } from "#lib/errors.ts";
import { decodeUtf8 } from "#lib/utf8.ts";
import { BootstrapError } from "./errors.ts";

/**
 * Parses JSON by the server's own schema, strictly. Throws BootstrapError `invalid-input` with the JSON pointer of
 * every problem. It quotes no value, because values may be secret.
 */
export function parseJson<T>(schema: z.ZodType<T>, text: string, what: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BootstrapError("invalid-input", `Cannot use ${what}: ${describeNonJson(text, cause as Error)}`, {
      cause,
    });
  }
  const { data, errors } = parseFields(schema, json);
  if (errors) throw new BootstrapError("invalid-input", `Cannot use ${what}: ${formatFieldErrors(errors)}`);
  return data;
}

/**
 * Decodes a document that was written by hand or by another tool. Throws BootstrapError `invalid-input` if it is not
 * UTF-8. NULs are left to `parseJson`.
 */
export function decodeDocument(bytes: Uint8Array, what: string): string {
  try {
    return decodeUtf8(bytes);
  } catch (cause) {
    const [, known] = findOther(Buffer.from(bytes).toString()) ?? [];
    throw new BootstrapError("invalid-input", `Cannot use ${what}: ${known ?? messageOf(cause)}`, { cause });
  }
}

/** How cloud-init recognizes user-data of its own (https://docs.cloud-init.io/en/latest/explanation/format.html). */
export const cloudInitBeginning = /^\s*(#cloud-|#!|#include|#part-handler|## template:|Content-Type:|MIME-Version:)/i;

/** What users supply in place of JSON, by how it looks when read as UTF-8. */
const others: [RegExp, string][] = [
  [/^\s*$/, "it is empty"],
  [/^\s*\0[\s\0]*$/, "it is NUL bytes only"],
  [/^\s*</, "it is HTML, not JSON: another program answers there"],
  [cloudInitBeginning, "it is cloud-init's user-data, not JSON"],
  [/^e[wy][\w+/=-]+\s*/, "it is base64, not JSON: it was encoded twice"],
  [/^[^\ufffd]\ufffd/, "it is compressed, not JSON: it must be plain"],
  [/^\ufeff/, "it begins with a byte order mark: save it as UTF-8 without one"],
  [/^(\0[^\0]|[^\0]\0){2}/, "it holds NULs, as UTF-16 does: save it as UTF-8"],
  [/^\ufffd\ufffd/, "it is not UTF-8, such as UTF-16: save it as UTF-8"],
  [/^[^\0]+\0[\s\0]*$/, "NUL bytes follow its end, as padding does: cut them off"],
];

const findOther = (text: string) => others.find(([beginning]) => beginning.test(text));

function describeNonJson(text: string, error: Error) {
  const other = findOther(text);
  if (other !== undefined) return other[1];
  // The rest of the parser's message quotes the text.
  const [at = ""] = /\(line \d+ column \d+\)$/.exec(error.message) ?? [];
  const what = text.trimStart().startsWith("{") ? "it is truncated or not JSON" : "it is not JSON";
  return `${what} ${at}`.trimEnd();
}
