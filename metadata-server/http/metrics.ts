import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { liveClusters } from "../clusters/deadlines.ts";
import { liveStates } from "../clusters/lifecycle.ts";
import type { Observer } from "../clusters/observer.ts";
import type { Store } from "../store/store.ts";

export interface Metrics {
  registry: Registry;
  observer: Observer;
  request(labels: { method: string; route: string; status: number }): void;
  /** Counts a request as held for as long as its answer takes. */
  whileHeld<T>(answer: Promise<T>): Promise<T>;
}

export function createMetrics(store: Pick<Store, "clusters">): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const alerts = new Counter({
    name: "sprout_alerts_total",
    help: "Alerts on timelines: capabilities in wrong hands, credentials asked for again, machines that ended or are in trouble",
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
    help: "Steps of nodes that are done, as the nodes measured them",
    labelNames: ["phase", "role"],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120],
    registers,
  });
  const failedSurveys = new Counter({
    name: "sprout_machine_survey_failures_total",
    help: "Rounds in which the machines of a provider could not all be looked after",
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
    help: "Requests waiting for a change or streaming",
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
    async whileHeld(answer) {
      held.inc();
      try {
        return await answer;
      } finally {
        held.dec();
      }
    },
  };
}

function registerClusterGauge(registry: Registry, store: Pick<Store, "clusters">): void {
  const gauge = new Gauge({
    name: "sprout_clusters",
    help: "Clusters that are not deleted, by state",
    labelNames: ["state"],
    registers: [registry],
    async collect() {
      const counts = new Map<string, number>(liveStates.map((state) => [state, 0]));
      for await (const { state } of liveClusters(store)) counts.set(state, (counts.get(state) ?? 0) + 1);
      for (const [state, count] of counts) gauge.set({ state }, count);
    },
  });
}
