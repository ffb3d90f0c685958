import { Agent, request } from "node:https";

export interface Ask {
  /** ADDRESS:PORT. */
  target: string;
  path: string;
  ca: string;
  /** Address that the connection comes from. */
  source: string;
  method?: string;
  token?: string;
  body?: string;
  agent?: Agent;
}

/** Sends one request, on a connection of its own unless there is an agent. Returns the status. */
export async function ask({ target, path, ca, source, method = "GET", token, body, agent }: Ask): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = request(`https://${target}${path}`, {
    ca,
    method,
    localAddress: source,
    agent: agent ?? new Agent({ maxCachedSessions: 0 }),
    timeout: 10_000,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { "content-type": "application/json" }),
    },
  });
  sent.on("response", (response) => response.resume().on("end", () => resolve(response.statusCode ?? 0)));
  sent.on("timeout", () => sent.destroy(new Error("no answer within ten seconds")));
  sent.on("error", reject);
  sent.end(body);
  return promise;
}
