import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

export interface MetadataRun {
  members: number;
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

export interface MetadataBench {
  /** One run for each size; `ratio` is to bare Hono with the same documents in a Map, in turns in the same run. */
  sizes: { members: number; sprout: MetadataRun; bare: MetadataRun; ratio: number }[];
  goalRatio: number;
  goalP99Ms: number;
}

const connections = 256;
const rounds = 3;

/** Metadata requests, each on a new connection, 256 at a time, over plain HTTP on loopback. */
export async function benchMetadata(options: {
  sizes: readonly number[];
  secondsPerRun: number;
  onProgress: (text: string) => void;
}): Promise<MetadataBench> {
  const sizes: MetadataBench["sizes"] = [];
  for (const members of options.sizes) {
    const folder = await mkdtemp(join(tmpdir(), "sprout-bench-metadata-"));
    const servers = { sprout: await start("sprout", members, folder), bare: await start("bare", members, folder) };
    try {
      const runs: Record<"sprout" | "bare", MetadataRun[]> = { sprout: [], bare: [] };
      await load(servers.sprout, { members, seconds: 1 });
      await load(servers.bare, { members, seconds: 1 });
      for (let round = 0; round < rounds; round += 1)
        for (const kind of ["sprout", "bare"] as const) {
          options.onProgress(`metadata, ${members} members, round ${round + 1} of ${rounds}, ${kind}`);
          runs[kind].push(await load(servers[kind], { members, seconds: options.secondsPerRun }));
        }
      const [sprout, bare] = [median(runs.sprout), median(runs.bare)];
      sizes.push({ members, sprout, bare, ratio: sprout.requestsPerSecond / bare.requestsPerSecond });
    } finally {
      await Promise.all(Object.values(servers).map((server) => server.stop()));
      await rm(folder, { recursive: true });
    }
  }
  return { sizes, goalRatio: 0.8, goalP99Ms: 50 };
}

interface BenchServer {
  port: number;
  machines: string;
  stop(): Promise<void>;
}

async function start(kind: "sprout" | "bare", members: number, folder: string): Promise<BenchServer> {
  const script = join(import.meta.dirname, "server.ts");
  const child = spawn(process.execPath, [script, kind, String(members), folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data", { signal: AbortSignal.timeout(120_000) })) as [Buffer];
  const stop = async () => {
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  return { ...Started.parse(JSON.parse(line.toString())), stop };
}

async function load(
  server: BenchServer,
  { members, seconds }: { members: number; seconds: number },
): Promise<MetadataRun> {
  const script = join(import.meta.dirname, "load.lua");
  const target = `http://127.0.0.1:${server.port}`;
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script, target];
  const { stdout } = await execa("wrk", args, { env: { MACHINES: server.machines } });
  const result = Result.parse(JSON.parse(/RESULT (.*)/.exec(stdout)?.[1] ?? "null"));
  if (result.errors > 0) throw new Error(`${result.errors} of ${result.requests} requests failed: ${stdout}`);
  return { members, requestsPerSecond: result.requests / result.seconds, p50Ms: result.p50Ms, p99Ms: result.p99Ms };
}

const median = (runs: MetadataRun[]): MetadataRun =>
  runs.toSorted((one, other) => one.requestsPerSecond - other.requestsPerSecond)[Math.floor(runs.length / 2)]!;
