import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BenchServer, type LoadRun, medianRun, runLoad, startBenchServer } from "../http-load.ts";

interface MetadataRun extends LoadRun {
  members: number;
}

/** `ratio` compares with bare Hono and the same documents in a Map, over the same transport, in turns in the same run. */
interface MetadataComparison {
  members: number;
  sprout: MetadataRun;
  bare: MetadataRun;
  ratio: number;
}

/** Every request on a new connection, or all on the same 256. */
type Connections = "new" | "kept";
const connectionHeader = { new: "close", kept: "keep-alive" } as const;
type Transport = "http" | "https";

export interface MetadataBench {
  /** Plain HTTP, new connections. */
  sizes: MetadataComparison[];
  /** TLS on both sides, with the same certificate. */
  tls: (MetadataComparison & { connections: Connections })[];
  goalRatio: number;
  goalP99Ms: number;
}

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
    sprout: await startServer("sprout", { members, transport, folder }),
    bare: await startServer("bare", { members, transport, folder }),
  };
  try {
    const compared: MetadataBench["tls"] = [];
    for (const kept of each) {
      const runs: Record<"sprout" | "bare", MetadataRun[]> = { sprout: [], bare: [] };
      const load = async (kind: "sprout" | "bare", seconds: number): Promise<MetadataRun> => ({
        members,
        ...(await runLoad(servers[kind], { seconds, protocol: transport, connection: connectionHeader[kept] })),
      });
      await load("sprout", 1);
      await load("bare", 1);
      for (let round = 0; round < rounds; round += 1)
        for (const kind of ["sprout", "bare"] as const) {
          onProgress(`metadata, ${transport}, ${members} members, round ${round + 1} of ${rounds}, ${kind}`);
          runs[kind].push(await load(kind, secondsPerRun));
        }
      const [sprout, bare] = [medianRun(runs.sprout), medianRun(runs.bare)];
      const ratio = sprout.requestsPerSecond / bare.requestsPerSecond;
      compared.push({ members, connections: kept, sprout, bare, ratio });
    }
    return compared;
  } finally {
    await Promise.all(Object.values(servers).map((server) => server.stop()));
    await rm(folder, { recursive: true });
  }
}

const startServer = (
  kind: "sprout" | "bare",
  { members, transport, folder }: { members: number; transport: Transport; folder: string },
): Promise<BenchServer> =>
  startBenchServer(join(import.meta.dirname, "server.ts"), [kind, String(members), folder, transport]);
