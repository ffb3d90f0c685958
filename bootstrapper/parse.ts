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
    throw new BootstrapError("invalid-input", `Cannot use ${what}: ${describeNonJson(text)}`, { cause });
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  throw new BootstrapError("invalid-input", `Cannot use ${what}: ${toProblems(result.error).join("; ")}`);
}

/** One line an issue, as `/pointer: message`; an unknown field gets its own pointer. */
export function toProblems(error: z.ZodError): string[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") return [`${toPointer(issue.path)}: ${issue.message}`];
    return issue.keys.map((key) => `${toPointer([...issue.path, key])}: unknown field`);
  });
}

/** RFC 6901. */
const toPointer = (path: readonly PropertyKey[]) =>
  path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("") || "/";

function describeNonJson(text: string) {
  const start = text.trimStart();
  if (start === "") return "it is empty";
  if (start.startsWith("<")) return "it is HTML, not JSON: something else answers there";
  return start.startsWith("{") ? "it is cut short or not JSON" : "it is not JSON";
}
