import { randomBytes } from "node:crypto";
import pLimit from "p-limit";
import type { Hono } from "hono";
import { openKubernetesApi } from "../../metadata-server/kubernetes/api-client.ts";
import { createBootAssets } from "../../metadata-server/boot/boot-assets.ts";
import { createBootstrapperExecutables } from "../../metadata-server/cloud-init/bootstrapper-executables.ts";
import { createBackground } from "../../metadata-server/clusters/background.ts";
import { createLeases } from "../../metadata-server/clusters/leases.ts";
import { systemClock } from "#lib/clock.ts";
import { createRefusalLimiter } from "../../metadata-server/clusters/refusal-limiter.ts";
import { createRepeatLimiter } from "../../metadata-server/clusters/repeat-limiter.ts";
import { createMetrics } from "../../metadata-server/http/metrics.ts";
import { createPlainApp } from "../../metadata-server/http/plain-app.ts";
import type { Logger } from "../../metadata-server/logger.ts";
import type { Store } from "../../metadata-server/store/store.ts";
import { wideLimits } from "../fixtures/wide-limits.ts";

export const quiet: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface PlainSurfaceOptions {
  store: Store;
  imagesDir: string;
  bootstrapperDir: string;
  /** PEM. */
  ca?: string;
  hosts?: readonly string[];
}

/** The server's surface for firmware and cloud-init, as in serve.ts. */
export function createPlainSurface(options: PlainSurfaceOptions): Hono {
  const { store, imagesDir, bootstrapperDir, ca = "", hosts = ["127.0.0.1"] } = options;
  const metrics = createMetrics(store);
  return createPlainApp({
    clusters: {
      store,
      providers: new Map(),
      serverKeys: [randomBytes(32)],
      ca,
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
    apiToken: "unused",
    metrics,
    limits: wideLimits,
    stopping: new AbortController().signal,
    assets: createBootAssets({ imagesDir, ipxeDir: imagesDir }),
    executables: createBootstrapperExecutables(bootstrapperDir),
    apiPort: 8443,
    hosts,
  });
}
