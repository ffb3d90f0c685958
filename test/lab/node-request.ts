import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";

export interface NodeAnswer {
  status: number;
  body: string;
  /** RFC 9457 type if the answer is a problem. */
  problem: string | undefined;
}

/** One call of the node API as any machine could make it, with any token and body. */
export async function nodeRequest(
  url: string,
  options: { ca: string; token: string; body?: unknown },
): Promise<NodeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<NodeAnswer>();
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  const sent = request(
    url,
    {
      method: body === undefined ? "GET" : "POST",
      ca: options.ca,
      headers: {
        authorization: `Bearer ${options.token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
    },
    (response) => {
      text(response)
        .then((answer) => resolve(toNodeAnswer(response, answer)))
        .catch(reject);
    },
  );
  sent.on("error", reject);
  sent.end(body);
  return promise;
}

function toNodeAnswer({ headers, statusCode = 0 }: IncomingMessage, body: string): NodeAnswer {
  const isProblem = headers["content-type"]?.startsWith("application/problem+json");
  return { status: statusCode, body, problem: isProblem ? (JSON.parse(body) as { type?: string }).type : undefined };
}
