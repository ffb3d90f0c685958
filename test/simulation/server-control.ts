import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type ApiClient, createApiClient } from "../../cli/client/api-client.ts";
import { findFreePort } from "../../cli/demo/free-port.ts";
import type { ServerProcessOptions, Serving } from "./server-process.ts";

export interface ServerControl {
  /** Connection to the running server; its address and token survive every restart. */
  client(): ApiClient;
  ca(): string;
  token(): string;
  url(): string;
  /** `kill -9`, then a restart on the same data, as systemd does. */
  crash(): Promise<void>;
  /** SIGTERM, and a restart once it has ended. */
  restart(): Promise<void>;
  /** Freezes the server for a while: connections stay open without answers. */
  freeze(forMs: number): void;
  log(): string;
  close(): Promise<void>;
}

const entry = join(import.meta.dirname, "server-process.ts");
const maxLogCharacters = 200_000;

type ServerControlOptions = Pick<ServerProcessOptions, "folder" | "prefix"> & Partial<ServerProcessOptions>;

/** The real metadata server in another process. */
export async function startServerProcess(options: ServerControlOptions): Promise<ServerControl> {
  const port = options.port ?? (await findFreePort());
  const given: ServerProcessOptions = { dataDir: join(options.folder, "data"), ...options, port };
  let log = "";
  let child: ChildProcess;
  let serving: Serving;
  let ca = "";

  async function start(): Promise<void> {
    child = fork(entry, [JSON.stringify(given)], {
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      // Without the test runner's flags.
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
  // Simultaneous crashes happen one after the other.
  let crashing = Promise.resolve();
  return {
    client: () =>
      createApiClient(
        { server: new URL(serving.url), ca, caFile: serving.caFile, token: serving.token },
        { signal: new AbortController().signal, now: Date.now },
      ),
    ca: () => ca,
    token: () => serving.token,
    url: () => serving.url,
    crash() {
      crashing = crashing.then(() => end("SIGKILL")).then(start);
      return crashing;
    },
    restart() {
      crashing = crashing.then(() => end("SIGTERM")).then(start);
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
