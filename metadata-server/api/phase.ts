import { z } from "zod";

/** The steps of `sprout-bootstrap` in the order a machine goes through them; a role skips those it has no use for. */
export const phases = [
  "discover",
  /** Only where an earlier run was cut short, or the machine rebooted. */
  "resume",
  "metadata",
  "preflight",
  /** Preflight between nodes, beside all others. */
  "peers",
  "claim",
  "render",
  "confirm",
  "static-pods",
  "api-server",
  "kubelet",
  "join",
  "cluster-config",
  "register",
  "network",
  "verify",
  "available",
] as const;

export const Phase = z.enum(phases).meta({ id: "Phase" });
export type Phase = z.infer<typeof Phase>;

/** Their failure is told and changes nothing: neither the machine nor the cluster has failed. */
const optionalPhases: readonly Phase[] = ["peers", "available"];
export const isOptional = (phase: Phase): boolean => optionalPhases.includes(phase);

export const PhaseState = z.enum(["started", "done", "failed"]).meta({ id: "PhaseState" });
export type PhaseState = z.infer<typeof PhaseState>;
