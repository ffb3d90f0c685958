import { createHash, randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import { cpuSecondsOf } from "../cpu-time.ts";
import { fetchAtOnce, sha256OfFetched, untilServed } from "./clients.ts";
import { createLink, type Link, linkGigabits } from "./link.ts";
import { prepareNginx } from "./nginx.ts";

const version = defaultKubernetesVersion;
const sizeBytes = 100_000_000;
const clients = 50;
const rounds = 3;
const kinds = ["sprout", "nginx"] as const;
type Kind = (typeof kinds)[number];

interface AssetsRun {
  /** Of the files alone, all clients together. */
  gigabitsPerSecond: number;
  /** Of the server, all its threads and processes. */
  cpuSeconds: number;
}

export interface AssetsBench {
  clients: number;
  sizeBytes: number;
  linkGigabits: number;
  sprout: AssetsRun;
  nginx: AssetsRun;
  /** Sprout's throughput to nginx's, medians of runs in turns. */
  ratio: number;
  goalRatio: number;
}

/** A root image to machines that boot all at once, over a shaped link between two network namespaces. */
export async function benchAssets(onProgress: (text: string) => void): Promise<AssetsBench> {
  const folder = await mkdtemp(join(tmpdir(), "sprout-bench-assets-"));
  const link = await createLink();
  try {
    const images = join(folder, "images");
    const sha256 = await writeRootImage(join(images, version, "network-boot"));
    const servers = await startServers(link, { folder, images });
    for (const kind of kinds) {
      await untilServed(link.clients, servers[kind].url);
      const fetched = await sha256OfFetched(link.clients, servers[kind].url);
      if (fetched !== sha256) throw new Error(`Cannot measure ${kind}: it sent other bytes than the file has`);
    }
    const runs: Record<Kind, AssetsRun[]> = { sprout: [], nginx: [] };
    for (let round = 0; round < rounds; round += 1)
      for (const kind of kinds) {
        onProgress(`assets, ${clients} clients, round ${round + 1} of ${rounds}, ${kind}`);
        runs[kind].push(await measure(link, servers[kind]));
      }
    const [sprout, nginx] = [medianRun(runs.sprout), medianRun(runs.nginx)];
    const ratio = sprout.gigabitsPerSecond / nginx.gigabitsPerSecond;
    return { clients, sizeBytes, linkGigabits, sprout, nginx, ratio, goalRatio: 0.8 };
  } finally {
    await link.close();
    await rm(folder, { recursive: true });
  }
}

async function writeRootImage(folder: string): Promise<string> {
  const root = randomBytes(sizeBytes);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "root.squashfs"), root);
  return createHash("sha256").update(root).digest("hex");
}

interface FileServer {
  url: string;
  pid: number;
}

async function startServers(
  { server, serverAddress: address }: Link,
  { folder, images }: { folder: string; images: string },
): Promise<Record<Kind, FileServer>> {
  const sprout = server.start(process.execPath, [
    join(import.meta.dirname, "server.ts"),
    images,
    address,
    "8080",
    folder,
  ]);
  const [file, ...args] = await prepareNginx({ prefix: join(folder, "nginx"), root: images, address, port: 8081 });
  const nginx = server.start(file, args);
  return {
    sprout: { url: `http://${address}:8080/assets/${version}/root.squashfs`, pid: sprout.pid ?? 0 },
    nginx: { url: `http://${address}:8081/${version}/network-boot/root.squashfs`, pid: nginx.pid ?? 0 },
  };
}

async function measure(link: Link, { url, pid }: FileServer): Promise<AssetsRun> {
  const [shaped, cpu] = [await link.shapedBytes(), await cpuSecondsOf(pid)];
  const { seconds } = await fetchAtOnce(link.clients, { url, clients, sizeBytes });
  const cpuSeconds = (await cpuSecondsOf(pid)) - cpu;
  const sent = clients * sizeBytes;
  const through = (await link.shapedBytes()) - shaped;
  if (through < sent) throw new Error(`Cannot measure: ${through} of ${sent} bytes went through the shaper`);
  return { gigabitsPerSecond: (sent * 8) / seconds / 1e9, cpuSeconds };
}

const medianRun = (runs: readonly AssetsRun[]): AssetsRun =>
  runs.toSorted((one, other) => one.gigabitsPerSecond - other.gigabitsPerSecond)[Math.floor(runs.length / 2)]!;
