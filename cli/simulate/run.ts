import pLimit from "p-limit";
import { simulateBringUp } from "../../bootstrapper/simulated/bring-up.ts";
import { createSimulatedKubernetes } from "../../bootstrapper/simulated/kubernetes.ts";
import type { Cluster } from "#api/cluster.ts";
import { Seed } from "#api/seed.ts";
import type { ApiClient } from "../client/api-client.ts";
import { planHardware, type PlannedCluster } from "./plan.ts";
import type { Tally } from "./tally.ts";

interface SimulationOptions {
  client: ApiClient;
  clusters: readonly PlannedCluster[];
  /** Clusters that come up at the same time. */
  lanes: number;
  deadlineSeconds: number;
  tally: Tally;
  /** Ends every machine; the clusters are deleted. */
  signal: AbortSignal;
}

/** After which the server deletes a cluster that this program could not delete. */
const ttlSeconds = 3600;
const contactTimeoutMs = 300_000;
/** Requests for user-data at a time, of one cluster. */
const issuedAtOnce = 16;

/**
 * Creates each cluster, plays its machines, and deletes it. Throws the error of the first cluster that could not be
 * created, once all others are deleted.
 */
export async function runSimulation({ signal, lanes, ...options }: SimulationOptions): Promise<void> {
  const stop = new AbortController();
  const limit = pLimit(lanes);
  const refused: unknown[] = [];
  const course = { ...options, signal: AbortSignal.any([signal, stop.signal]) };
  const lives = options.clusters.map(async (planned) =>
    limit(async () => {
      if (course.signal.aborted) return;
      await liveCluster(planned, course).catch((error: unknown) => {
        refused.push(error);
        stop.abort();
      });
    }),
  );
  await Promise.all(lives);
  if (refused.length > 0) throw refused[0];
  signal.throwIfAborted();
}

type Course = Omit<SimulationOptions, "lanes" | "clusters">;

/** Throws only if the cluster cannot be created. */
async function liveCluster({ name, nodes }: PlannedCluster, course: Course): Promise<void> {
  const { client, tally, deadlineSeconds } = course;
  const body = { name, nodes, provider: "external", deadlineSeconds, ttlSeconds, labels: { simulated: "true" } };
  const created = await tally.time("create", async () => client.create(body, { idempotencyKey: name }));
  try {
    await playMachines(created, course);
  } finally {
    await client.delete(created.id).catch(() => tally.leave(name));
  }
}

async function playMachines(cluster: Cluster, { client, tally, signal }: Course): Promise<void> {
  const kubernetes = createSimulatedKubernetes();
  const issue = pLimit(issuedAtOnce);
  const machines = cluster.members.map(async ({ name: member }, index) => {
    try {
      const text = await issue(async () => {
        signal.throwIfAborted();
        return tally.time("user-data", async () => client.userData(cluster.id, { member, format: "seed" }));
      });
      const seed = Seed.parse(JSON.parse(text));
      const hardware = planHardware(cluster.name, index);
      const listeners = { onCall: tally.add, onRefusedReport: tally.fail };
      await simulateBringUp({ seed, hardware, kubernetes, ...listeners, signal, contactTimeoutMs });
      return true;
    } catch (error) {
      if (!signal.aborted) tally.fail(error);
      return false;
    }
  });
  const succeeded = (await Promise.all(machines)).filter(Boolean).length;
  if (signal.aborted) return;
  const { state, createdAt, readyAt, failure } = await client.get(cluster.id);
  const isReady = state === "ready" && readyAt !== null;
  if (isReady) tally.add("ready", Date.parse(readyAt) - Date.parse(createdAt));
  else
    tally.fail(new Error(`The server says that ${cluster.name} is ${state}: ${failure?.message ?? "no reason given"}`));
  tally.end({ isReady, ready: isReady ? succeeded : 0, failed: cluster.members.length - (isReady ? succeeded : 0) });
}
