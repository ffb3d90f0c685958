import { type Agent, request } from "node:https";
import { BootstrapError } from "../errors.ts";

export interface HttpsRequest {
  url: URL;
  agent: Agent;
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
  maxBytes?: number;
}

export interface HttpsAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

const defaultMaxBytes = 4 * 1024 * 1024;

const tooLarge = ({ host }: URL, maxBytes: number) =>
  new BootstrapError("invalid-input", `Cannot use the answer of ${host}: it is larger than ${maxBytes} bytes`);

/**
 * One request, the whole answer in memory. Throws on any answer that is cut short; BootstrapError `invalid-input` where
 * it is larger than `maxBytes`, because asking again would not make it smaller.
 */
export async function httpsRequest(options: HttpsRequest): Promise<HttpsAnswer> {
  const { url, agent, method = "GET", headers = {}, body, signal, maxBytes = defaultMaxBytes } = options;
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const outgoing = request(url, { agent, method, headers: { ...headers, ...length }, signal }, (incoming) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      incoming.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > maxBytes) incoming.destroy(tooLarge(url, maxBytes));
        else chunks.push(chunk);
      });
      incoming.once("error", reject);
      incoming.once("end", () => {
        if (!incoming.complete) return reject(new Error("the answer was cut short"));
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body: Buffer.concat(chunks).toString(),
        });
      });
    });
    outgoing.once("error", reject);
    outgoing.end(body);
  });
}
