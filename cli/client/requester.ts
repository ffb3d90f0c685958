import type { z } from "zod";
import { parseAnswer, toProblemError } from "./answer.ts";
import type { Connection } from "./connection.ts";
import { type OutgoingRequest, readBody, sendRequest } from "./transport.ts";

type Request = Pick<OutgoingRequest, "method" | "path"> & Partial<OutgoingRequest>;

const pageSize = 500;

/** Sends requests to one server. Throws CliError with the exit code of the failure on any answer but a success. */
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

  /** Reads a list, page by page. */
  async function sendPages<Page extends { next: string | null }>(
    schema: z.ZodType<Page>,
    path: string,
    query: readonly (readonly [name: string, value: string | undefined])[],
  ): Promise<Page[]> {
    const given = query.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
    const pages: Page[] = [];
    for (let after: string | null | undefined; after !== null; after = pages.at(-1)?.next) {
      const from = after === undefined ? [] : [["after", after]];
      const parameters = new URLSearchParams([["limit", String(pageSize)], ...given, ...from]);
      pages.push(await sendJson(schema, { method: "GET", path: `${path}?${parameters.toString()}` }));
    }
    return pages;
  }

  return { send, sendJson, sendPages };
}
