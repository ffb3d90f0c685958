import { spawn } from "node:child_process";
import { once } from "node:events";
import { execa } from "execa";
import { z } from "zod";

const Result = z.object({
  requests: z.number(),
  seconds: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  errors: z.number(),
});
const Started = z.object({ port: z.number(), machines: z.string() });

/** Requests at a time. */
const connections = 256;

export interface LoadRun {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** A server in a process of its own, on 127.0.0.1. */
export interface BenchServer {
  port: number;
  /** File with a line for each machine, for the load script. */
  machines: string;
  stop(): Promise<void>;
}

/** The script prints `{port, machines}` as its first line, and ends at SIGTERM. */
export async function startBenchServer(script: string, args: readonly string[]): Promise<BenchServer> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(child.stdout, "data", { signal: AbortSignal.timeout(120_000) })) as [Buffer];
  const stop = async () => {
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  return { ...Started.parse(JSON.parse(line.toString())), stop };
}

/** wrk with a Lua script that prints `RESULT {…}`; throws where any request fails. */
export async function runLoad(
  url: string,
  { script, seconds, env }: { script: string; seconds: number; env: Record<string, string> },
): Promise<LoadRun> {
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script, url];
  const { stdout } = await execa("wrk", args, { env });
  const result = Result.parse(JSON.parse(/RESULT (.*)/.exec(stdout)?.[1] ?? "null"));
  if (result.errors > 0) throw new Error(`${result.errors} of ${result.requests} requests failed: ${stdout}`);
  return { requestsPerSecond: result.requests / result.seconds, p50Ms: result.p50Ms, p99Ms: result.p99Ms };
}

export const medianRun = <T extends LoadRun>(runs: readonly T[]): T =>
  runs.toSorted((one, other) => one.requestsPerSecond - other.requestsPerSecond)[Math.floor(runs.length / 2)]!;
