import { messageOf } from "#lib/errors.ts";
import { BodyTooLargeError } from "#lib/http-request.ts";
import { errorCode } from "#lib/transient-errors.ts";
import { PowerError } from "../power-error.ts";
import type { RedfishAnswer } from "./connection.ts";
import { toControllerWords } from "./controller-words.ts";
import { isPassing } from "./passing-refusal.ts";

/** What OpenSSL says of a controller whose newest TLS is 1.1: of its choice, or as its alert (openssl/openssl#16278). */
const oldTlsCodes = ["ERR_SSL_UNSUPPORTED_PROTOCOL", "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION"];

/** Makes the error for an answer that refuses, in the controller's words. */
export function toRefusal(
  answer: RedfishAnswer,
  { host, secrets, advice }: { host: string; secrets: readonly string[]; advice: string },
): PowerError {
  const { status, body } = answer;
  const words = toControllerWords(body, secrets);
  const said = words === undefined ? `${host} answered ${status}` : `${host} answered ${status}: ${words}`;
  if (isPassing(answer)) return new PowerError("unreachable", said);
  if (status === 401) return new PowerError("forbidden", `${said}; ${advice}`);
  if (status === 403) return new PowerError("forbidden", `${said}; the controller does not allow this user to do it`);
  if (status === 404) return new PowerError("rejected", `${said}; check the path of the URL`);
  return new PowerError("rejected", said);
}

/** Makes the error for a failed connection. */
export function toConnectionFailure(error: unknown, host: string): PowerError {
  if (error instanceof PowerError) return error;
  if (error instanceof BodyTooLargeError)
    return new PowerError("rejected", `${host}: ${error.message}`, { cause: error });
  if (oldTlsCodes.includes(errorCode(error)))
    return new PowerError("unreachable", `${host} speaks no TLS 1.2; update its firmware`, { cause: error });
  return new PowerError("unreachable", `${host} does not answer (${messageOf(error)})`, { cause: error });
}
