import { once } from "node:events";
import { connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { BootstrapError } from "./errors.ts";

export interface LockOptions {
  /** What the machine is wanted for, as in "Cannot run". */
  verb: "run" | "reset";
  /** How long another one may take to end. */
  patienceMs?: number;
}

const intervalMs = 100;
const answerTimeoutMs = 1000;

/**
 * One bootstrapper at a time on a machine. An abstract socket (unix(7)) goes with its process, however that ends, so no
 * stale lock is ever left. Returns what lets it go. Throws BootstrapError `preflight`, which names the other process.
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
        const other = `another sprout-bootstrap${await askProcess(path)} is at work on this machine`;
        throw new BootstrapError("preflight", `Cannot ${verb}: ${other}; wait until it has ended, or end it`, {
          cause,
        });
      }
    }
  }
}

/** ` (process 12)`, or nothing where it has ended meanwhile. */
async function askProcess(path: string): Promise<string> {
  const socket = connect({ path, signal: AbortSignal.timeout(answerTimeoutMs) });
  return text(socket).then(
    (pid) => ` (process ${pid})`,
    () => "",
  );
}
