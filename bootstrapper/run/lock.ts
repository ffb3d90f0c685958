import { once } from "node:events";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { BootstrapError } from "../errors.ts";

interface LockOptions {
  /** What the machine is needed for, as in "Cannot run". */
  verb: "run" | "reset";
  /** How long to wait for another bootstrapper to exit. */
  patienceMs?: number;
}

const intervalMs = 100;
const answerTimeoutMs = 1000;

/**
 * Locks the machine: one bootstrapper at a time. An abstract socket (unix(7)) disappears with its process, so no stale
 * lock is ever left. Returns the function that unlocks. Throws BootstrapError `preflight`, which names the other
 * process.
 */
export async function lockMachine(root: string, { verb, patienceMs = 0 }: LockOptions): Promise<() => void> {
  const path = `\0sprout-bootstrap:${root}`;
  const endsAt = performance.now() + patienceMs;
  for (;;) {
    const server = createServer((socket) => socket.on("error", () => undefined).end(String(process.pid))).unref();
    try {
      server.listen(path);
      await once(server, "listening");
      return () => void server.close();
    } catch (cause) {
      if (performance.now() < endsAt) await sleep(intervalMs);
      else {
        const other = `another sprout-bootstrap${await askProcess(path)} is running on this machine`;
        throw new BootstrapError("preflight", `Cannot ${verb}: ${other}; wait until it ends, or stop it`, {
          cause,
        });
      }
    }
  }
}

/** Returns ` (process 12)`, or nothing if that process has ended in the meantime. */
async function askProcess(path: string): Promise<string> {
  const socket = connect({ path, signal: AbortSignal.timeout(answerTimeoutMs) });
  return text(socket).then(
    (pid) => ` (process ${pid})`,
    () => "",
  );
}
