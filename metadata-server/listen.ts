import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener, type Server as HttpServer } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { ListenerLimits } from "./limits/listener-limits.ts";
import { limitConnections, limitUnanswered } from "./limits/limit-connections.ts";
import { queueHandshakes } from "./limits/queue-handshakes.ts";
import { shareTurns } from "./limits/share-turns.ts";
import type { ServerTls } from "./pki/server-tls.ts";

/** How long open requests may take to end. */
const drainMs = 5000;
/** What the kernel allows by default. If the queue is full, a client tries again only after a second. */
const backlog = 4096;
/** Longer than the server holds any request; a client that is silent for so long is gone. */
const silenceMs = 120_000;
const timeouts = {
  headersTimeout: 10_000,
  // Node looks every 30 s by default, so that ten seconds would be up to forty.
  connectionsCheckingInterval: 1000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
};

export interface ListenAddress {
  address: string;
  port: number;
}

export interface Listener {
  /** Waits until requests end, for a few seconds. */
  close(): Promise<void>;
}

type Fetch = (request: Request) => Response | Promise<Response>;

interface ListenOptions {
  fetch: Fetch;
  /** Without it the server speaks plain HTTP. */
  tls?: ServerTls;
  limits: Pick<ListenerLimits, "connections" | "report">;
  /** Once it aborts, each answer ends its connection, so that clients connect elsewhere. */
  stopping?: AbortSignal;
  /** Says whether to close a connection before a byte of it is read. */
  refuses?: (connection: Socket) => boolean;
}

/** Throws if the address is taken, or is not one of this host. */
export async function listen(
  { address, port }: ListenAddress,
  { fetch, tls, limits: { connections: bounds, report }, stopping, refuses }: ListenOptions,
): Promise<Listener> {
  const respond = getRequestListener(fetch);
  const answer = limitUnanswered(
    shareTurns((request, response) => {
      if (stopping?.aborted) response.shouldKeepAlive = false;
      return respond(request, response);
    }),
    report,
  );
  const server = tls ? createTlsServer(answer, tls) : createHttpServer(timeouts, answer).setTimeout(silenceMs);
  limitConnections(server, { bounds, report, refuses });
  server.listen({ port, host: address, backlog });
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new Error(`Cannot listen on ${address}:${port}: ${(cause as Error).message}`, { cause });
  }
  let closed: Promise<void> | undefined;
  return { close: () => (closed ??= drain(server)) };
}

function createTlsServer(answer: RequestListener, tls: ServerTls): HttpsServer {
  const server = createHttpsServer(
    {
      // Includes the authority: a machine that has only its hash finds it in the chain.
      cert: `${tls.certificate}${tls.ca}`,
      key: tls.key,
      minVersion: "TLSv1.2",
      handshakeTimeout: 10_000,
      // A connection's handshake may have to wait.
      pauseOnConnect: true,
      ...timeouts,
    },
    answer,
  );
  queueHandshakes(server);
  return server;
}

async function drain(server: HttpServer | HttpsServer): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(timer);
}
