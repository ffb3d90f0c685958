import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer as createHttpsServer, type Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { ServerTls } from "./pki/server-tls.ts";

/** How long requests under way may take to end. */
const drainMs = 5000;
const maxConnections = 20_000;
/** Longer than any request is held; a client that takes nothing for so long is gone. */
const silenceMs = 120_000;
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
};

export interface ListenAddress {
  address: string;
  port: number;
}

export interface Listener {
  /** Lets requests end, for a few seconds. */
  close(): Promise<void>;
}

type Fetch = (request: Request) => Response | Promise<Response>;

export interface ListenOptions {
  fetch: Fetch;
  /** Plain HTTP without it. */
  tls?: ServerTls;
  /** Connections that are ended before a byte of them is read. */
  refuses?: (connection: Socket) => boolean;
}

/** Throws where the address is taken or not of this host. */
export async function listen(
  { address, port }: ListenAddress,
  { fetch, tls, refuses = () => false }: ListenOptions,
): Promise<Listener> {
  const server = tls ? createTlsServer(fetch, tls) : createPlainServer(fetch);
  server.maxConnections = maxConnections;
  server.on("connection", (connection: Socket) => {
    if (refuses(connection)) connection.destroy();
  });
  server.listen(port, address);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new Error(`Cannot listen on ${address}:${port}: ${(cause as Error).message}`, { cause });
  }
  let closed: Promise<void> | undefined;
  return { close: () => (closed ??= drain(server)) };
}

function createTlsServer(fetch: Fetch, tls: ServerTls): HttpsServer {
  return createAdaptorServer({
    fetch,
    createServer: createHttpsServer,
    serverOptions: {
      // With the authority: a machine that was given its hash alone finds it in the chain.
      cert: `${tls.certificate}${tls.ca}`,
      key: tls.key,
      minVersion: "TLSv1.2",
      handshakeTimeout: 10_000,
      ...limits,
    },
  }) as HttpsServer;
}

function createPlainServer(fetch: Fetch): HttpServer {
  const server = createAdaptorServer({ fetch, createServer: createHttpServer, serverOptions: limits }) as HttpServer;
  return server.setTimeout(silenceMs);
}

async function drain(server: HttpServer | HttpsServer): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearTimeout(timer);
}
