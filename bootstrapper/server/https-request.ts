import { BodyTooLargeError, type HttpAnswer, type HttpRequest, httpRequest } from "#lib/http-request.ts";
import { BootstrapError } from "../errors.ts";

const defaultMaxBytes = 4 * 1024 * 1024;

/**
 * Sends one request and reads the whole answer into memory. Throws if the answer is truncated; BootstrapError
 * `invalid-input` if it is larger than `maxBytes`, because it would be as large again.
 */
export async function httpsRequest(
  options: Omit<HttpRequest, "maxBytes"> & { maxBytes?: number },
): Promise<HttpAnswer> {
  return httpRequest({ maxBytes: defaultMaxBytes, ...options }).catch((cause: unknown) => {
    if (!(cause instanceof BodyTooLargeError)) throw cause;
    const message = `Cannot use an answer of ${options.url.host}: ${cause.message}`;
    throw new BootstrapError("invalid-input", message, { cause });
  });
}
