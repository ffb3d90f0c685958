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

/** `ratio` is to bare Hono with the same documents in a Map, over the same transport, in turns in the same run. */
export interface MetadataComparison {
  members: number;
  sprout: MetadataRun;
  bare: MetadataRun;
  ratio: number;
}

/** Every request on a new connection, or all on the same 256. */
type Connections = "new" | "kept";
type Transport = "http" | "https";

export interface MetadataBench {
  /** Plain HTTP, new connections. */
  sizes: MetadataComparison[];
  /** TLS on both sides, with the same certificate. */
  tls: (MetadataComparison & { connections: Connections })[];
  goalRatio: number;
  goalP99Ms: number;
}

const connections = 256;
const rounds = 3;

interface Options {
  secondsPerRun: number;
  onProgress: (text: string) => void;
}

/** Metadata requests, 256 at a time, on loopback. */
export async function benchMetadata(
  options: Options & { sizes: readonly number[]; tlsMembers: number },
): Promise<MetadataBench> {
  const sizes: MetadataBench["sizes"] = [];
  for (const members of options.sizes)
    sizes.push(...(await compare({ members, transport: "http", each: ["new"] }, options)));
  const tls = await compare({ members: options.tlsMembers, transport: "https", each: ["new", "kept"] }, options);
  return { sizes, tls, goalRatio: 0.8, goalP99Ms: 50 };
}

async function compare(
  { members, transport, each }: { members: number; transport: Transport; each: readonly Connections[] },
  { secondsPerRun, onProgress }: Options,
): Promise<MetadataBench["tls"]> {
  const folder = await mkdtemp(join(tmpdir(), "sprout-bench-metadata-"));
  const servers = {
    sprout: await start("sprout", { members, transport, folder }),
    bare: await start("bare", { members, transport, folder }),
  };
  try {
    const compared: MetadataBench["tls"] = [];
    for (const kept of each) {
      const runs: Record<"sprout" | "bare", MetadataRun[]> = { sprout: [], bare: [] };
      await load(servers.sprout, { members, seconds: 1, kept });
      await load(servers.bare, { members, seconds: 1, kept });
      for (let round = 0; round < rounds; round += 1)
        for (const kind of ["sprout", "bare"] as const) {
          onProgress(`metadata, ${transport}, ${members} members, round ${round + 1} of ${rounds}, ${kind}`);
          runs[kind].push(await load(servers[kind], { members, seconds: secondsPerRun, kept }));
        }
      const [sprout, bare] = [median(runs.sprout), median(runs.bare)];
      const ratio = sprout.requestsPerSecond / bare.requestsPerSecond;
      compared.push({ members, connections: kept, sprout, bare, ratio });
    }
    return compared;
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
    await rm(folder, { recursive: true });
  }
}

interface BenchServer {
  url: string;
  machines: string;
  stop(): Promise<void>;
}

async function start(
  kind: "sprout" | "bare",
  { members, transport, folder }: { members: number; transport: Transport; folder: string },
): Promise<BenchServer> {
  const script = join(import.meta.dirname, "server.ts");
  const child = spawn(process.execPath, [script, kind, String(members), folder, transport], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data", { signal: AbortSignal.timeout(120_000) })) as [Buffer];
  const stop = async () => {
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  const { port, machines } = Started.parse(JSON.parse(line.toString()));
  return { url: `${transport}://127.0.0.1:${port}`, machines, stop };
}

async function load(
  server: BenchServer,
  { members, seconds, kept }: { members: number; seconds: number; kept: Connections },
): Promise<MetadataRun> {
  const script = join(import.meta.dirname, "load.lua");
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script, server.url];
  const { stdout } = await execa("wrk", args, {
    env: { MACHINES: server.machines, CONNECTION: kept === "kept" ? "keep-alive" : "close" },
  });
  const result = Result.parse(JSON.parse(/RESULT (.*)/.exec(stdout)?.[1] ?? "null"));
  if (result.errors > 0) throw new Error(`${result.errors} of ${result.requests} requests failed: ${stdout}`);
  return { members, requestsPerSecond: result.requests / result.seconds, p50Ms: result.p50Ms, p99Ms: result.p99Ms };
}

const median = (runs: MetadataRun[]): MetadataRun =>
  runs.toSorted((one, other) => one.requestsPerSecond - other.requestsPerSecond)[Math.floor(runs.length / 2)]!;
