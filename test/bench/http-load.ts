import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { execa } from "execa";
import { z } from "zod";
import { cpuSecondsOf } from "./cpu-time.ts";

const Result = z.object({
  requests: z.number(),
  seconds: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  errors: z.number(),
});
const Started = z.object({ port: z.number(), requests: z.string() });

/** Requests at a time. */
const connections = 256;

export interface LoadRun {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  /** Of the server for each request, all its threads: what stays much the same where others use the machine too. */
  cpuMicroseconds: number;
}

/** A server in a process of its own, on 127.0.0.1. */
export interface BenchServer {
  port: number;
  pid: number;
  /** File with a line for each request, `PATH [CAPABILITY]`. */
  requests: string;
  stop(): Promise<void>;
}

/** The script prints `{port, requests}` as its first line, and ends at SIGTERM. */
export async function startBenchServer(script: string, args: readonly string[]): Promise<BenchServer> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data", { signal: AbortSignal.timeout(120_000) })) as [Buffer];
  const stop = async () => {
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  return { ...Started.parse(JSON.parse(line.toString())), pid: child.pid ?? 0, stop };
}

export interface LoadOptions {
  seconds: number;
  protocol?: "http" | "https";
  /** Every request on a new connection, or all on the same ones. */
  connection?: "close" | "keep-alive";
}

const script = join(import.meta.dirname, "load.lua");

/** wrk; throws where any request fails. */
export async function runLoad(
  { port, pid, requests: file }: BenchServer,
  { seconds, protocol = "http", connection = "close" }: LoadOptions,
): Promise<LoadRun> {
  const url = `${protocol}://127.0.0.1:${port}`;
  const env = { REQUESTS: file, CONNECTION: connection };
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script, url];
  const cpuBefore = await cpuSecondsOf(pid);
  const { stdout } = await execa("wrk", args, { env });
  const cpuSeconds = (await cpuSecondsOf(pid)) - cpuBefore;
  const result = Result.parse(JSON.parse(/RESULT (.*)/.exec(stdout)?.[1] ?? "null"));
  if (result.errors > 0) throw new Error(`${result.errors} of ${result.requests} requests failed: ${stdout}`);
  const { requests, p50Ms, p99Ms } = result;
  return { requestsPerSecond: requests / result.seconds, p50Ms, p99Ms, cpuMicroseconds: (cpuSeconds / requests) * 1e6 };
}

export const medianRun = <T extends LoadRun>(runs: readonly T[]): T =>
  runs.toSorted((one, other) => one.requestsPerSecond - other.requestsPerSecond)[Math.floor(runs.length / 2)]!;
