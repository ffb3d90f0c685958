import type { Server } from "node:https";
import type { Socket } from "node:net";
import { isLocal } from "./loopback.ts";

/** Each takes up to a millisecond of the event loop, and all that have arrived are answered in one turn of it. */
const mostOfAddress = 32;
/** How long a connection waits for its turn, in ms: as long as its handshake may take then. */
const longestWaitMs = 10_000;

interface Queue {
  running: number;
  waiting: Set<Socket>;
}

/**
 * Starts at most 32 TLS handshakes of one address at once, so that a burst of its connections keeps no others waiting.
 * The server must have `pauseOnConnect`: nothing is read from a connection before its turn.
 */
export function queueHandshakes(server: Server): void {
  const queues = new Map<string, Queue>();
  const ends = new Map<string, () => void>();
  const accept = server.listeners("connection") as ((this: Server, connection: Socket) => void)[];

  const start = (connection: Socket, address: string, queue: Queue) => {
    const peer = peerOf(connection);
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      ends.delete(peer);
      queue.running -= 1;
      const [next] = queue.waiting;
      if (next !== undefined) {
        stopWaiting(next, queue);
        start(next, address, queue);
      } else if (queue.running === 0) queues.delete(address);
    };
    queue.running += 1;
    ends.set(peer, end);
    connection.once("close", end);
    for (const listener of accept) listener.call(server, connection);
  };

  server.removeAllListeners("connection");
  server.on("secureConnection", (connection) => ends.get(peerOf(connection))?.());
  server.on("connection", (connection: Socket) => {
    const { remoteAddress } = connection;
    if (remoteAddress === undefined || isLocal(remoteAddress)) {
      for (const listener of accept) listener.call(server, connection);
      return;
    }
    const queue = queues.get(remoteAddress) ?? { running: 0, waiting: new Set() };
    queues.set(remoteAddress, queue);
    if (queue.running < mostOfAddress) start(connection, remoteAddress, queue);
    else wait(connection, queue);
  });
}

function wait(connection: Socket, queue: Queue): void {
  queue.waiting.add(connection);
  connection.setTimeout(longestWaitMs).on("timeout", destroy);
  connection.once("close", () => queue.waiting.delete(connection));
}

function stopWaiting(connection: Socket, queue: Queue): void {
  queue.waiting.delete(connection);
  connection.setTimeout(0).off("timeout", destroy);
}

function destroy(this: Socket): void {
  this.destroy();
}

const peerOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`;
