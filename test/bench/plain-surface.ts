import { randomBytes } from "node:crypto";
import type { Hono } from "hono";
import { createBootAssets } from "../../metadata-server/boot/boot-assets.ts";
import { createBootstrapperExecutables } from "../../metadata-server/cloud-init/bootstrapper-executables.ts";
import { createBackground } from "../../metadata-server/clusters/background.ts";
import { systemClock } from "../../metadata-server/clusters/clock.ts";
import { createRefusalLimiter } from "../../metadata-server/clusters/refusals.ts";
import { createMetrics } from "../../metadata-server/http/metrics.ts";
import { createPlainApp } from "../../metadata-server/http/plain-app.ts";
import type { Logger } from "../../metadata-server/logger.ts";
import type { Store } from "../../metadata-server/store/store.ts";

export const quiet: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

export interface PlainSurfaceOptions {
  store: Store;
  imagesDir: string;
  bootstrapperDir: string;
  /** PEM. */
  ca?: string;
  hosts?: readonly string[];
}

/** The server's own surface for firmware and cloud-init, as serve.ts makes it. */
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
      refusals: createRefusalLimiter(),
      deletedRetentionMs: 86_400_000,
      observer: metrics.observer,
      logger: quiet,
    },
    apiToken: "unused",
    metrics,
    stopping: new AbortController().signal,
    assets: createBootAssets({ imagesDir, ipxeDir: imagesDir }),
    executables: createBootstrapperExecutables(bootstrapperDir),
    apiPort: 8443,
    hosts,
  });
}
