import type { z } from "zod";
import { parseAnswer, toProblemError } from "./answer.ts";
import type { Connection } from "./connection.ts";
import { type OutgoingRequest, readBody, sendRequest } from "./transport.ts";

type Request = Pick<OutgoingRequest, "method" | "path"> & Partial<OutgoingRequest>;

/** Requests to one server. Every answer that is no success is thrown as CliError with the exit code it stands for. */
export function createRequester(connection: Connection, signal: AbortSignal) {
  async function send(request: Request) {
    const response = await sendRequest(connection, { signal, idleTimeoutMs: 30_000, ...request });
    const body = await readBody(response, connection, signal);
    const status = response.statusCode ?? 0;
    if (status < 200 || status > 299) throw toProblemError(response, body);
    return { response, body };
  }

  async function sendJson<T>(schema: z.ZodType<T>, request: Request): Promise<T> {
    const { response, body } = await send(request);
    return parseAnswer(schema, response, body);
  }

  return { send, sendJson };
}
