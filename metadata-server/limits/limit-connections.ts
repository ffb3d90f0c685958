import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { createCounts } from "./counts.ts";
import { isLocal } from "./loopback.ts";
import type { ReportExcess } from "./report-excess.ts";
import type { ConnectionBounds } from "./share-connections.ts";

interface ConnectionLimits {
  bounds: ConnectionBounds;
  report: ReportExcess;
  /** Says whether to close a connection before a byte of it is read. */
  refuses?: ((connection: Socket) => boolean) | undefined;
}

/** A client that reuses its connection opens another one after so many requests. */
const mostRequests = 1000;
/** No client of Sprout sends a request before the answer to the last one. */
const mostUnanswered = 16;

/** Closes connections beyond the bounds at once, before Node sets up TLS and HTTP: that is most of their cost. */
export function limitConnections(server: Server, { bounds, report, refuses = () => false }: ConnectionLimits): void {
  const open = createCounts();
  const admits = (connection: Socket): boolean => {
    const { remoteAddress } = connection;
    if (refuses(connection)) return false;
    if (isLocal(remoteAddress)) return true;
    const taken = open.take([{ key: remoteAddress ?? "", most: bounds.perAddress }]);
    if ("full" in taken) report({ what: "connection", by: "address" }, remoteAddress);
    else connection.once("close", taken.release);
    return "release" in taken;
  };
  server.maxConnections = bounds.total;
  server.maxRequestsPerSocket = mostRequests;
  server.on("drop", (dropped) => report({ what: "connection", by: "listener" }, dropped?.remoteAddress));
  const accept = server.listeners("connection") as ((this: Server, connection: Socket) => void)[];
  server.removeAllListeners("connection");
  server.on("connection", (connection: Socket) => {
    if (admits(connection)) for (const listener of accept) listener.call(server, connection);
    else connection.destroy();
  });
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Closes a connection whose client sends ahead: each unanswered request would count as one that the server holds. */
export function limitUnanswered(listener: Answer, report: ReportExcess): Answer {
  const unanswered = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    // What was read together with the last request still comes.
    if (socket.destroyed) return;
    const count = (unanswered.get(socket) ?? 0) + 1;
    if (count > mostUnanswered) {
      report({ what: "connection", by: "connection" }, socket.remoteAddress);
      socket.destroy();
      return;
    }
    unanswered.set(socket, count);
    response.once("close", () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    void listener(request, response);
  };
}
