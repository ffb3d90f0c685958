import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const intervalMs = 500;

/**
 * Takes the lock that `name` names on this host; a second caller waits. An abstract socket (unix(7)) disappears with
 * its process, however that ends, so no stale lock is left behind.
 */
export async function lockBuild(
  name: string,
  { signal, onWait }: { signal: AbortSignal; onWait: () => void },
): Promise<Disposable> {
  // A socket's name has at most 107 bytes, less than a path.
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
