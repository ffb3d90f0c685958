import { stat } from "node:fs/promises";
import { join } from "node:path";
import { enforceDeadlines } from "../../../metadata-server/clusters/deadlines.ts";
import { purgeDeleted } from "../../../metadata-server/clusters/purge.ts";
import { recordRefusalSummaries, recordRepeats } from "../../../metadata-server/clusters/refusals.ts";
import { bringUp } from "../../fixtures/test-machine.ts";
import { createTestServer, type TestServer } from "../../fixtures/test-server.ts";
import type { ChurnHour, ChurnSettings } from "./bench.ts";

// A process of its own, `node --expose-gc simulate.ts SETTINGS`: a day of a server whose clock and machines are fake.
const settings = JSON.parse(process.argv[2] ?? "") as ChurnSettings;
const { clustersPerDay, nodes, ttlSeconds, retentionSeconds, auditEntries, hours } = settings;
const hourMs = 3_600_000;
const collectGarbage = (globalThis as { gc?: () => void }).gc;
if (collectGarbage === undefined) throw new Error("Cannot measure memory: run node with --expose-gc");

const server = await createTestServer({
  deletedRetentionMs: retentionSeconds * 1000,
  maxAuditEntries: auditEntries,
});
const lastHour = Math.max(...hours);
const stepMs = (24 * hourMs) / clustersPerDay;
for (let number = 1; number * stepMs <= lastHour * hourMs; number += 1) {
  await liveStep(server, number);
  const hour = (number * stepMs) / hourMs;
  if (hours.some((wanted) => wanted <= hour && wanted > hour - stepMs / hourMs)) await report(Math.round(hour));
}
await server.close();

/** One more cluster from its POST to Ready, a few refused calls, and the server's background work. */
async function liveStep({ clock, clusters }: TestServer, number: number): Promise<void> {
  const cluster = await server.create({ name: `k${number}`, nodes, ttlSeconds });
  await bringUp(server, cluster);
  await server.request(`/v1/clusters/${cluster.id}/kubeconfig`);
  await server.request("/v1/clusters", { token: "guessed", from: `203.0.113.${number % 250}` });
  server.provider.launched.clear();
  server.log.length = 0;
  clock.advance(stepMs);
  await enforceDeadlines(clusters);
  await recordRefusalSummaries(clusters);
  await recordRepeats(clusters);
  await purgeDeleted(clusters);
  await clusters.background.idle();
}

async function report(hour: number): Promise<void> {
  collectGarbage?.();
  const { heapUsed, rss } = process.memoryUsage();
  const live = (await server.clusters.store.clusters({ limit: 10_000 })).length;
  const { size } = await stat(join(server.directory, "sprout.db"));
  const measured: ChurnHour = { hour, heapBytes: heapUsed, rssBytes: rss, fileBytes: size, clustersKept: live };
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}
