import type { Answer } from "./limit-connections.ts";
import { isLocal } from "./loopback.ts";

/** Each takes up to a millisecond of the event loop, and all that have arrived would be begun in one turn of it. */
const mostInTurn = 16;

interface Share {
  begun: number;
  waiting: (() => void)[];
}

/**
 * Begins at most 16 requests of one address in a turn of the event loop; the others wait for the next turns. So a burst
 * over many connections keeps no other client waiting for long.
 */
export function shareTurns(listener: Answer): Answer {
  const shares = new Map<string, Share>();

  const startTurn = () => {
    for (const [address, share] of shares) {
      const next = share.waiting.splice(0, mostInTurn);
      share.begun = next.length;
      if (next.length === 0) shares.delete(address);
      for (const begin of next) begin();
    }
    if (shares.size > 0) setImmediate(startTurn);
  };

  return (request, response) => {
    const { remoteAddress } = request.socket;
    if (remoteAddress === undefined || isLocal(remoteAddress)) return listener(request, response);
    if (shares.size === 0) setImmediate(startTurn);
    const share = shares.get(remoteAddress) ?? { begun: 0, waiting: [] };
    shares.set(remoteAddress, share);
    if (share.begun >= mostInTurn)
      return share.waiting.push(() => {
        if (!request.socket.destroyed) void listener(request, response);
      });
    share.begun += 1;
    return listener(request, response);
  };
}
