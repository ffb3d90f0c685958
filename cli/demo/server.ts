import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { loadConnection, type Connection } from "../client/connection.ts";
import { withStore } from "../environment.ts";
import { CliError, exitCodes } from "../exit-code.ts";
import { findFreePort } from "./free-port.ts";
import { loadDemoRecord, type DemoRecord } from "./record.ts";

const Started = z.strictObject({ url: z.string(), caFile: z.string(), tokenFile: z.string() });
const mainFile = path.join(import.meta.dirname, "../main.ts");
const startTimeoutMs = 30_000;
const stopTimeoutMs = 150_000;

export interface DemoServer {
  connection: Connection;
  url: string;
  dataDir: string;
  /** Lets the server continue when this process ends. */
  keep(): Promise<void>;
  /** Stops the server, which first deletes every cluster. */
  stop(): Promise<void>;
}

interface DemoServerOptions {
  demoDir: string;
  cacheDir: string;
  /** `sqlite`, or the URL of a Redis. */
  store: string;
  signal: AbortSignal;
}

/**
 * Starts the server as a separate process that holds a pipe to this one. If this process ends, even by kill -9, the
 * server deletes its clusters and exits. After `keep` it continues.
 */
export async function startDemoServer(options: DemoServerOptions): Promise<DemoServer> {
  const { demoDir, cacheDir, store, signal } = options;
  await mkdir(demoDir, { recursive: true, mode: 0o700 });
  const port = await findFreePort();
  const log = await open(path.join(demoDir, "server.log"), "w", 0o600);
  const dataDir = path.join(demoDir, "data");
  const flags = ["--data-dir", dataDir, "--cache-dir", cacheDir, "--port", String(port)];
  const child = spawn(process.execPath, ["--disable-sigusr1", mainFile, "serve", "--ephemeral", "--json", ...flags], {
    detached: true,
    stdio: ["pipe", "pipe", log.fd],
    env: withStore(store),
  });
  await log.close();
  const started = await readStart(child, { demoDir, signal }).catch(async (error: unknown) => {
    child.stdin?.destroy();
    child.kill("SIGTERM");
    await hasExited(child);
    throw error;
  });
  const record: DemoRecord = { pid: child.pid ?? 0, store, ...started };
  await writeFile(path.join(demoDir, "demo.json"), JSON.stringify(record), { mode: 0o600 });
  const connection = await loadConnection(
    { server: record.url, ca: record.caFile, tokenFile: record.tokenFile, dataDir },
    { server: undefined, token: undefined },
  );
  return {
    connection,
    url: record.url,
    dataDir,
    async keep() {
      child.stdin?.end("keep\n");
      child.stdout?.destroy();
      child.unref();
    },
    async stop() {
      child.stdin?.destroy();
      await waitForExit(child, demoDir);
      await rm(demoDir, { recursive: true });
    },
  };
}

/** Returns what the server prints once it answers. */
async function readStart(child: ChildProcess, { demoDir, signal }: { demoDir: string; signal: AbortSignal }) {
  let text = "";
  const end = AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]);
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  while (!text.includes("\n")) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw await serverError("ended during its start", demoDir);
    signal.throwIfAborted();
    if (end.aborted) throw await serverError(`did not start within ${startTimeoutMs / 1000} seconds`, demoDir);
    await delay(10);
  }
  return Started.parse(JSON.parse(text));
}

async function hasExited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null)
    await once(child, "exit", { signal: AbortSignal.timeout(stopTimeoutMs) });
}

async function waitForExit(child: ChildProcess, demoDir: string): Promise<void> {
  await hasExited(child);
  if (child.exitCode !== 0)
    throw await serverError(`ended with ${child.signalCode ?? `exit code ${child.exitCode}`}`, demoDir);
}

async function serverError(what: string, demoDir: string): Promise<CliError> {
  const file = path.join(demoDir, "server.log");
  const tail = (await readFile(file, "utf8")).split("\n").slice(-12).join("\n").trim();
  return new CliError(exitCodes.failed, `The metadata server ${what}; the end of ${file}:\n${tail}`);
}

/**
 * Removes an earlier demo. A kept server deletes its clusters when it is stopped; for a killed one, a new server on its
 * data does so. Returns whether there was a demo.
 */
export async function cleanDemo(options: DemoServerOptions): Promise<boolean> {
  const found = await loadDemoRecord(options.demoDir);
  if (found === undefined) return false;
  if (found.running) {
    process.kill(found.record.pid, "SIGTERM");
    const signal = AbortSignal.any([options.signal, AbortSignal.timeout(stopTimeoutMs)]);
    while ((await loadDemoRecord(options.demoDir))?.running) await delay(100, undefined, { signal });
  }
  const leftover = await startDemoServer({ ...options, store: found.record.store });
  await leftover.stop();
  return true;
}
