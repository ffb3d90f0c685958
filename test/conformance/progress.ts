import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { z } from "zod";

export type OnTestDone = (test: { name: string; hasPassed: boolean }) => void;

const Message = z.object({ msg: z.string() });

/** What e2e.test posts to its `--progress-report-url`: one message for each test that has run, others are of no interest. */
export function parseProgress(body: string): Parameters<OnTestDone>[0] | undefined {
  const { msg } = Message.parse(JSON.parse(body));
  const [, state, name] = /^(PASSED|FAILED) (.+)$/.exec(msg) ?? [];
  return name === undefined ? undefined : { name, hasPassed: state === "PASSED" };
}

/** Listens on this host alone. */
export async function startProgress(onTestDone: OnTestDone): Promise<{ url: string } & AsyncDisposable> {
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const test = parseProgress(await text(request));
    if (test !== undefined) onTestDone(test);
    response.end();
  };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(400).end());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}
