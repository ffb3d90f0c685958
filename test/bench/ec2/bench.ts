import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiClient, createApiClient } from "../../../cli/client/api-client.ts";
import { findFreePort } from "../../../cli/demo/free-port.ts";
import { loadConfig } from "../../../metadata-server/config.ts";
import { createJsonLogger } from "../../../metadata-server/logger.ts";
import { startServer } from "../../../metadata-server/serve.ts";
import type { FakeEc2 } from "../../fakes/fake-ec2.ts";
import { documentedRates } from "../../fakes/fake-ec2-throttle.ts";
import { createTestEc2 } from "../../fixtures/ec2-provider.ts";

const clusters = 200;
const nodes = 4;
const longestMs = 10 * 60_000;

export interface Ec2Bench {
  clusters: number;
  nodes: number;
  /** Seconds since the first POST, with the real SDK and a fake endpoint with EC2's documented rates. */
  launched: { clusters: number; instances: number; doubled: number; seconds: number };
  /** Until the last instance's source/destination check is off. */
  routingSeconds: number;
  /** EC2's rates allow RunInstances for so many clusters no sooner. */
  leastSeconds: number;
  /** All requests, including throttled ones. */
  callsPerCluster: Record<string, number>;
  deletion: { seconds: number; left: number; callsPerCluster: Record<string, number> };
}

/** 200 simultaneous requests for clusters of 4 nodes. No instance boots: this measures launching alone. */
export async function benchEc2(onProgress: (text: string) => void): Promise<Ec2Bench> {
  const dataDir = await mkdtemp(join(tmpdir(), "sprout-bench-ec2-"));
  const { ec2, provider } = await createTestEc2(
    { rates: documentedRates, consistencyMs: 3000 },
    { consistencyMs: 15_000 },
  );
  const settings = { dataDir, port: await findFreePort() };
  const logger = createJsonLogger((line) => void process.stderr.write(line), "error");
  const server = await startServer(loadConfig(settings, {}), { logger, providers: [provider] });
  try {
    const ca = await readFile(server.caFile, "utf8");
    const connection = { server: new URL(server.url), ca, caFile: server.caFile, token: server.token };
    const signal = AbortSignal.timeout(2 * longestMs);
    return await measure(createApiClient(connection, { signal, now: Date.now }), { ec2, onProgress });
  } finally {
    await server.close();
    await ec2.close();
    await rm(dataDir, { recursive: true });
  }
}

async function measure(
  client: ApiClient,
  { ec2, onProgress }: { ec2: FakeEc2; onProgress: (text: string) => void },
): Promise<Ec2Bench> {
  onProgress(`ec2: ${clusters} clusters of ${nodes} at once`);
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  const created = await Promise.all(
    Array.from({ length: clusters }, (_, index) => client.create({ name: `k${index}`, nodes, provider: "ec2" })),
  );
  await until(() => ec2.instances.length >= clusters * nodes);
  const launchedSeconds = seconds();
  onProgress(`ec2: launched after ${launchedSeconds.toFixed(0)} s`);
  await until(() => ec2.instances.every(({ sourceDestCheck }) => !sourceDestCheck));
  const routingSeconds = seconds();
  await sleep(2000);
  const found = await Promise.all(created.map(({ id }) => client.get(id)));
  const whole = found.filter(({ members }) => members.every(({ launchedAt }) => launchedAt !== null));
  const addresses = new Set(found.flatMap(({ members }) => members.map(({ address }) => address)));
  const instances = ec2.living().length;
  const callsPerCluster = countCalls(ec2, 0);
  const callsBefore = ec2.calls.length;

  onProgress("ec2: deleting them");
  const deletedAt = performance.now();
  await Promise.all(created.map(({ id }) => client.delete(id)));
  await until(() => ec2.living().length === 0);
  const size = documentedRates.requests["RunInstances"]!;
  return {
    clusters,
    nodes,
    launched: { clusters: whole.length, instances, doubled: instances - addresses.size, seconds: launchedSeconds },
    routingSeconds,
    leastSeconds: (clusters - size.size) / size.perSecond,
    callsPerCluster,
    deletion: {
      seconds: (performance.now() - deletedAt) / 1000,
      left: ec2.living().length,
      callsPerCluster: countCalls(ec2, callsBefore),
    },
  };
}

/** Longest useful wait. */
async function until(isSo: () => boolean): Promise<void> {
  const deadline = Date.now() + longestMs;
  while (!isSo() && Date.now() < deadline) await sleep(50);
}

function countCalls({ calls }: FakeEc2, from: number): Record<string, number> {
  const byAction = Object.groupBy(calls.slice(from), ({ action }) => action);
  return Object.fromEntries(Object.entries(byAction).map(([action, each = []]) => [action, each.length / clusters]));
}
