import type { z } from "zod";
import { BootstrapError } from "./errors.ts";

/**
 * Strict at this end too: the server's own schema, every problem at once with its JSON pointer.
 * Values are never quoted, they may be secret. Throws BootstrapError `invalid-input`.
 */
export function parseJson<T extends z.ZodType>(schema: T, text: string, what: string): z.output<T> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BootstrapError("invalid-input", `Cannot use ${what}: ${describeNonJson(text, cause as Error)}`, {
      cause,
    });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new BootstrapError("invalid-input", `Cannot use ${what}: ${toProblems(result.error).join("; ")}`);
}

/** One line an issue, as `/pointer: message`; an unknown field gets its own pointer. */
export function toProblems(error: z.ZodError): string[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys")
      return issue.keys.map((key) => `${toPointer([...issue.path, key])}: unknown field`);
    const isMissing = issue.code === "invalid_type" && issue.message.endsWith("received undefined");
    return [`${toPointer(issue.path)}: ${isMissing ? "is missing" : issue.message}`];
  });
}

/** RFC 6901. */
const toPointer = (path: readonly PropertyKey[]) =>
  path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("") || "/";

/** What is found in JSON's place, by how it begins when it is read as UTF-8. */
const others: [RegExp, string][] = [
  [/^\s*$/, "it is empty"],
  [/^\s*</, "it is HTML, not JSON: something else answers there"],
  [/^(#cloud-config|#!|#include|Content-Type:|MIME-Version:)/i, "it is cloud-init's user-data, not JSON"],
  [/^e[wy][\w+/=-]+\s*/, "it is base64, not JSON: it was encoded once too often"],
  [/^[^\ufffd]\ufffd/, "it is compressed, not JSON: it must be plain"],
  [/^\ufeff/, "it begins with a byte order mark: save it as UTF-8 without one"],
  [/^\ufffd\ufffd/, "it is not UTF-8, such as UTF-16: save it as UTF-8"],
];

function describeNonJson(text: string, error: Error) {
  const other = others.find(([beginning]) => beginning.test(text));
  if (other !== undefined) return other[1];
  // The rest of the message quotes the text.
  const [at = ""] = /\(line \d+ column \d+\)$/.exec(error.message) ?? [];
  const what = text.trimStart().startsWith("{") ? "it is cut short or not JSON" : "it is not JSON";
  return `${what} ${at}`.trimEnd();
}
