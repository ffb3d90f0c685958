import type { Phase } from "#api/phase.ts";
import type { Role } from "#api/name.ts";

/** What operations count; `http/metrics.ts` is the one implementation that shows it. */
export interface Observer {
  alert(code: string): void;
  /** From POST to the proof that every node is Ready. */
  clusterReady(seconds: number): void;
  phaseDone(phase: Phase, observation: { role: Role; seconds: number }): void;
  /** A provider's machines could not be looked after; it is tried again. */
  surveyFailed(provider: string): void;
}

export const silentObserver: Observer = { alert() {}, clusterReady() {}, phaseDone() {}, surveyFailed() {} };
