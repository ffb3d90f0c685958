import type { Agent, IncomingHttpHeaders, IncomingMessage } from "node:http";

export interface HttpRequest {
  url: URL;
  /** For trust, client certificates and kept connections; false for a connection of its own. */
  agent: Agent | false;
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
  maxBytes: number;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
  /** The same as UTF-8. */
  body: string;
}

/** A body beyond the limit. It would be as large again, so a retry does not help. */
export class BodyTooLargeError extends Error {
  override name = "BodyTooLargeError";
  constructor(maxBytes: number) {
    super(`the answer is larger than ${maxBytes} bytes`);
  }
}

/**
 * Sends one request, never through a proxy, and reads the whole answer. Throws BodyTooLargeError, or the connection's
 * error.
 */
export function httpRequest({ url, maxBytes, method = "GET", body, ...options }: HttpRequest): Promise<HttpAnswer> {
  // Imported at the top, node:http would load undici, a quarter of the bootstrapper's time to start.
  const { request } = process.getBuiltinModule(url.protocol === "https:" ? "node:https" : "node:http");
  const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const headers = { ...options.headers, ...length };
    const outgoing = request(url, { ...options, method, headers }, (incoming) => {
      const { statusCode: status = 0, headers: answered } = incoming;
      const answer = (bytes: Buffer) => resolve({ status, headers: answered, bytes, body: bytes.toString() });
      readBytes(incoming, maxBytes).then(answer, reject);
    });
    outgoing.once("error", reject).end(body);
  });
}

/** Reads a whole body as UTF-8. Throws BodyTooLargeError, or the stream's error if the body is truncated. */
export const readText = async (incoming: IncomingMessage, maxBytes: number): Promise<string> =>
  (await readBytes(incoming, maxBytes)).toString();

async function readBytes(incoming: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw new BodyTooLargeError(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
