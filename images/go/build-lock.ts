import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const intervalMs = 500;

/**
 * One at a time on this host for whatever `name` names; whoever comes second waits. An abstract socket (unix(7)) goes with
 * its process, however that ends, so no stale lock is ever left.
 */
export async function lockBuild(
  name: string,
  { signal, onWait }: { signal: AbortSignal; onWait: () => void },
): Promise<Disposable> {
  // A socket's name has room for 107 bytes, less than a path may take.
  const socket = `\0sprout-build:${createHash("sha256").update(name).digest("hex")}`;
  for (let attempt = 1; ; attempt += 1) {
    const server = createServer().unref();
    try {
      server.listen(socket);
      await once(server, "listening", { signal });
      return { [Symbol.dispose]: () => void server.close() };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
    if (attempt === 1) onWait();
    await sleep(intervalMs, undefined, { signal });
  }
}
