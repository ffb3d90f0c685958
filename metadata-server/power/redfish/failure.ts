import { PowerError } from "../power-error.ts";
import type { RedfishAnswer } from "./connection.ts";
import { toControllerWords } from "./controller-words.ts";
import { isPassing } from "./retry.ts";

/** An answer that is a refusal, in the controller's words. */
export function toRefusal(
  { status, body }: RedfishAnswer,
  { host, secrets }: { host: string; secrets: readonly string[] },
): PowerError {
  const words = toControllerWords(body, secrets);
  const said = words === undefined ? `${host} answered ${status}` : `${host} answered ${status}: ${words}`;
  if (status === 401) return new PowerError("forbidden", `${said}; check user and password`);
  if (status === 403) return new PowerError("forbidden", `${said}; the user may not do this at the controller`);
  if (isPassing(status)) return new PowerError("unreachable", said);
  if (status === 404) return new PowerError("rejected", `${said}; check the path of the URL`);
  return new PowerError("rejected", said);
}

/** What happened to the connection. */
export function toConnectionFailure(error: unknown, host: string): PowerError {
  if (error instanceof PowerError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new PowerError("unreachable", `${host} does not answer (${reason})`, { cause: error });
}
