import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { liveClusters } from "../clusters/queries.ts";
import { liveStates } from "../clusters/lifecycle.ts";
import type { Observer } from "../clusters/dependencies.ts";
import type { ListenerName } from "../limits/listener-limits.ts";
import type { Excess } from "../limits/report-excess.ts";
import type { Store } from "../store/store.ts";

export interface Metrics {
  registry: Registry;
  observer: Observer;
  request(labels: { method: string; route: string; status: number }): void;
  /** Requests that wait for a change, or stream. */
  held: Pick<Gauge, "inc" | "dec">;
  /** Counts what a bound of this listener refused. */
  excess: (listener: ListenerName, excess: Excess) => void;
}

export function createMetrics(store: Pick<Store, "clusters">): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const alerts = new Counter({
    name: "sprout_alerts_total",
    help: "Alerts on timelines: stolen capabilities, credentials requested twice, machines that terminated or have a problem",
    labelNames: ["code"],
    registers,
  });
  const bringUp = new Histogram({
    name: "sprout_bring_up_seconds",
    help: "From the request for a cluster to the proof that every node is Ready",
    buckets: [2, 4, 6, 8, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300],
    registers,
  });
  const phaseDuration = new Histogram({
    name: "sprout_phase_duration_seconds",
    help: "Duration of completed steps, measured by the nodes",
    labelNames: ["phase", "role"],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120],
    registers,
  });
  const failedSurveys = new Counter({
    name: "sprout_machine_survey_failures_total",
    help: "Rounds in which the server could not check all machines of a provider",
    labelNames: ["provider"],
    registers,
  });
  const requests = new Counter({
    name: "sprout_http_requests_total",
    help: "Answered requests",
    labelNames: ["method", "route", "status"],
    registers,
  });
  const held = new Gauge({
    name: "sprout_held_requests",
    help: "Requests that wait for a change, or stream",
    registers,
  });
  const excess = new Counter({
    name: "sprout_refused_total",
    help: "Connections closed, and requests refused, because a bound was reached",
    labelNames: ["listener", "what", "by"],
    registers,
  });
  registerClusterGauge(registry, store);

  return {
    registry,
    observer: {
      alert: (code) => alerts.inc({ code }),
      clusterReady: (seconds) => bringUp.observe(seconds),
      phaseDone: (phase, { role, seconds }) => phaseDuration.observe({ phase, role }, seconds),
      surveyFailed: (provider) => failedSurveys.inc({ provider }),
    },
    request: (labels) => requests.inc(labels),
    held,
    excess: (listener, { what, by }) => excess.inc({ listener, what, by }),
  };
}

function registerClusterGauge(registry: Registry, store: Pick<Store, "clusters">): void {
  const gauge = new Gauge({
    name: "sprout_clusters",
    help: "Clusters by state, without deleted ones",
    labelNames: ["state"],
    registers: [registry],
    async collect() {
      const counts = new Map<string, number>(liveStates.map((state) => [state, 0]));
      for await (const { state } of liveClusters(store)) counts.set(state, (counts.get(state) ?? 0) + 1);
      for (const [state, count] of counts) gauge.set({ state }, count);
    },
  });
}
