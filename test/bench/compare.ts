import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoadRun, medianRun, runLoad, startBenchServer } from "./http-load.ts";

/** `ratio` compares with bare Hono and the same answers in a Map, in turns in the same run. */
export interface Comparison {
  size: number;
  sprout: LoadRun;
  bare: LoadRun;
  ratio: number;
}

export interface CompareOptions {
  /** Text for the terminal. */
  what: string;
  /** `server.ts bare|sprout SIZE FOLDER`, by serve-bench.ts. */
  server: string;
  sizes: readonly number[];
  secondsPerRun: number;
  onProgress: (text: string) => void;
}

const rounds = 3;
const warmUpSeconds = 2;
const kinds = ["sprout", "bare"] as const;

/** Paths of a plain surface, each request on a new connection, on loopback. */
export async function compareWithBare({ sizes, ...options }: CompareOptions): Promise<Comparison[]> {
  const compared: Comparison[] = [];
  for (const size of sizes) compared.push(await compareAt(size, options));
  return compared;
}

async function compareAt(
  size: number,
  { what, server, secondsPerRun, onProgress }: Omit<CompareOptions, "sizes">,
): Promise<Comparison> {
  const folder = await mkdtemp(join(tmpdir(), "sprout-bench-"));
  const servers = {
    sprout: await startBenchServer(server, ["sprout", String(size), folder]),
    bare: await startBenchServer(server, ["bare", String(size), folder]),
  };
  try {
    const runs: Record<(typeof kinds)[number], LoadRun[]> = { sprout: [], bare: [] };
    for (const kind of kinds) await runLoad(servers[kind], { seconds: warmUpSeconds });
    for (let round = 0; round < rounds; round += 1)
      for (const kind of kinds) {
        onProgress(`${what}, ${size} machines, round ${round + 1} of ${rounds}, ${kind}`);
        runs[kind].push(await runLoad(servers[kind], { seconds: secondsPerRun }));
      }
    const [sprout, bare] = [medianRun(runs.sprout), medianRun(runs.bare)];
    return { size, sprout, bare, ratio: sprout.requestsPerSecond / bare.requestsPerSecond };
  } finally {
    await Promise.all(Object.values(servers).map((one) => one.stop()));
    await rm(folder, { recursive: true });
  }
}
