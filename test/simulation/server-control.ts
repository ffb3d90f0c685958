import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ApiClient, createApiClient } from "../../metadata-server/cli/client/api-client.ts";
import { findFreePort } from "../../metadata-server/cli/demo/free-port.ts";
import type { Serving } from "./server-process.ts";

export interface ServerControl {
  /** Of the server that runs now; it and its token survive every restart. */
  client(): ApiClient;
  ca(): string;
  url(): string;
  /** `kill -9`, then started again on the same data, as systemd would. */
  crash(): Promise<void>;
  /** Stands still for a while: connections open, no answers. */
  freeze(forMs: number): void;
  log(): string;
  close(): Promise<void>;
}

const entry = join(import.meta.dirname, "server-process.ts");
const maxLogCharacters = 200_000;

/** The real metadata server in a process of its own. */
export async function startServerProcess(options: { folder: string; prefix: string }): Promise<ServerControl> {
  const port = await findFreePort();
  const dataDir = join(options.folder, "data");
  let log = "";
  let child: ChildProcess;
  let serving: Serving;
  let ca = "";

  async function start(): Promise<void> {
    child = fork(entry, [dataDir, options.folder, options.prefix, String(port)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // Not the test runner's own flags.
      execArgv: [],
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-maxLogCharacters);
    });
    const ended = once(child, "exit").then(() => {
      throw new Error(`The server ended before it served:\n${log}`);
    });
    [serving] = (await Promise.race([once(child, "message"), ended])) as [Serving];
    ended.catch(() => undefined);
    ca = await readFile(serving.caFile, "utf8");
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }

  await start();
  // Two crashes at once are one after the other.
  let crashing = Promise.resolve();
  return {
    client: () =>
      createApiClient(
        { server: new URL(serving.url), ca, caFile: serving.caFile, token: serving.token },
        { signal: new AbortController().signal, now: Date.now },
      ),
    ca: () => ca,
    url: () => serving.url,
    crash() {
      crashing = crashing.then(() => end("SIGKILL")).then(start);
      return crashing;
    },
    freeze(forMs) {
      const frozen = child;
      frozen.kill("SIGSTOP");
      setTimeout(() => frozen.kill("SIGCONT"), forMs);
    },
    log: () => log,
    close: () => end("SIGKILL"),
  };
}
