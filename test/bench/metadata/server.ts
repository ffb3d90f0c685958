import { mkdtemp, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { openKubernetesApi } from "../../../metadata-server/kubernetes/api-client.ts";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pLimit from "p-limit";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { createBackground } from "../../../metadata-server/clusters/background.ts";
import { createLeases } from "../../../metadata-server/clusters/leases.ts";
import { systemClock } from "#lib/clock.ts";
import { createRefusalLimiter } from "../../../metadata-server/clusters/refusal-limiter.ts";
import { createRepeatLimiter } from "../../../metadata-server/clusters/repeat-limiter.ts";
import { createApp } from "../../../metadata-server/http/app.ts";
import { createMetrics } from "../../../metadata-server/http/metrics.ts";
import { loadServerTls } from "../../../metadata-server/pki/server-tls.ts";
import { createManualDriver } from "../../../metadata-server/power/manual-driver.ts";
import { openSqliteStore } from "../../../metadata-server/store/sqlite/sqlite-store.ts";
import { populate, type Machine } from "./population.ts";
import { wideLimits } from "../../fixtures/wide-limits.ts";

// Run as a process: `server.ts bare|sprout MEMBERS FOLDER http|https`; the same transport on both sides.
const [kind = "", members = "", folder = tmpdir(), transport = "http"] = process.argv.slice(2);
const dataDir = await mkdtemp(join(folder, "data-"));
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const store = await openSqliteStore({ file: join(dataDir, "sprout.db"), logger: quiet });
const machines = await populate(store, Number(members));
const app = createSproutApp();
const served = kind === "bare" ? await createBareApp(app, machines) : app;

const listening = {
  fetch: served.fetch,
  port: 0,
  hostname: "127.0.0.1",
  ...(transport === "https" && (await loadTls())),
};
const server = serve(listening, ({ port }) => {
  const lines = machines.map(({ capability, mac }) => `/node/v1/metadata?mac=${encodeURIComponent(mac)} ${capability}`);
  void writeFile(join(dataDir, "machines"), lines.join("\n")).then(() =>
    process.stdout.write(`${JSON.stringify({ port, requests: join(dataDir, "machines") })}\n`),
  );
});
process.once("SIGTERM", () => {
  server.close();
  process.exit(0);
});

async function loadTls() {
  const { certificate, ca, key } = await loadServerTls({
    directory: join(dataDir, "tls"),
    names: ["localhost"],
    addresses: ["127.0.0.1"],
    now: Date.now(),
  });
  return { createServer, serverOptions: { cert: `${certificate}${ca}`, key, minVersion: "TLSv1.2" as const } };
}

function createSproutApp(): Hono {
  const metrics = createMetrics(store);
  return createApp({
    clusters: {
      store,
      providers: new Map(),
      serverKeys: [randomBytes(32)],
      ca: "",
      baseDomain: "bench.test",
      clock: systemClock,
      random: randomBytes,
      background: createBackground(quiet),
      leases: createLeases({ store, holder: "bench", logger: quiet }),
      refusals: createRefusalLimiter(),
      repeats: createRepeatLimiter(),
      openKubernetesApi,
      inTurn: pLimit(1),
      deletedRetentionMs: 86_400_000,
      observer: metrics.observer,
      logger: quiet,
    },
    openPowerDriver: () => createManualDriver(),
    apiToken: "unused",
    metrics,
    limits: wideLimits,
    stopping: new AbortController().signal,
  });
}

/** Plain Hono with the same documents in a Map: no checks, no store, no additional headers. */
async function createBareApp(sprout: Hono, all: readonly Machine[]): Promise<Hono> {
  const documents = new Map<string, unknown>();
  for (const { capability, mac } of all) {
    const answer = await sprout.request(`/node/v1/metadata?mac=${encodeURIComponent(mac)}`, {
      headers: { authorization: `Bearer ${capability}` },
    });
    documents.set(capability, await answer.json());
  }
  return new Hono().get("/node/v1/metadata", (c) =>
    c.json(documents.get(c.req.header("authorization")?.slice("Bearer ".length) ?? "") as object),
  );
}
