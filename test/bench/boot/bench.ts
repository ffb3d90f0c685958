import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoadRun, medianRun, runLoad, startBenchServer } from "../http-load.ts";

export interface BootBench {
  /** `ratio` is to bare Hono with the same scripts in a Map, in turns in the same run. */
  sizes: { machines: number; sprout: LoadRun; bare: LoadRun; ratio: number }[];
  goalRatio: number;
}

interface Options {
  sizes: readonly number[];
  secondsPerRun: number;
  onProgress: (text: string) => void;
}

const rounds = 3;
const kinds = ["sprout", "bare"] as const;

/** What iPXE asks every few seconds while it waits, from inventories of several sizes, on loopback. */
export async function benchBoot({ sizes, secondsPerRun, onProgress }: Options): Promise<BootBench> {
  const compared: BootBench["sizes"] = [];
  for (const machines of sizes) compared.push(await compare(machines, { secondsPerRun, onProgress }));
  return { sizes: compared, goalRatio: 0.8 };
}

async function compare(
  machines: number,
  { secondsPerRun, onProgress }: Omit<Options, "sizes">,
): Promise<BootBench["sizes"][number]> {
  const folder = await mkdtemp(join(tmpdir(), "sprout-bench-boot-"));
  const server = join(import.meta.dirname, "server.ts");
  const servers = {
    sprout: await startBenchServer(server, ["sprout", String(machines), folder]),
    bare: await startBenchServer(server, ["bare", String(machines), folder]),
  };
  const script = join(import.meta.dirname, "load.lua");
  const load = (kind: (typeof kinds)[number], seconds: number) =>
    runLoad(`http://127.0.0.1:${servers[kind].port}`, { script, seconds, env: { MACHINES: servers[kind].machines } });
  try {
    const runs: Record<(typeof kinds)[number], LoadRun[]> = { sprout: [], bare: [] };
    for (const kind of kinds) await load(kind, 1);
    for (let round = 0; round < rounds; round += 1)
      for (const kind of kinds) {
        onProgress(`boot scripts, ${machines} machines, round ${round + 1} of ${rounds}, ${kind}`);
        runs[kind].push(await load(kind, secondsPerRun));
      }
    const [sprout, bare] = [medianRun(runs.sprout), medianRun(runs.bare)];
    return { machines, sprout, bare, ratio: sprout.requestsPerSecond / bare.requestsPerSecond };
  } finally {
    await Promise.all(Object.values(servers).map((one) => one.stop()));
    await rm(folder, { recursive: true });
  }
}
