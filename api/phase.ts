import { z } from "zod";

/** In their order. */
const phases = [
  "discover",
  /** Only after an interrupted run or a reboot. */
  "resume",
  "metadata",
  "preflight",
  /** Preflight between nodes, in parallel with all other steps. */
  "peers",
  "claim",
  "render",
  "confirm",
  "static-pods",
  "api-server",
  "kubelet",
  /** Only of a control plane that joins a ready cluster. */
  "etcd-join",
  "join",
  "cluster-config",
  "register",
  "network",
  "verify",
  "available",
] as const;

export const Phase = z.enum(phases).meta({
  id: "Phase",
  description: "A step of `sprout-bootstrap`, in their order; a role skips the steps that it does not need",
});
export type Phase = z.infer<typeof Phase>;

/** A failure of these is reported, but fails neither the machine nor the cluster. */
const optionalPhases: readonly Phase[] = ["peers", "available"];
export const isOptional = (phase: Phase): boolean => optionalPhases.includes(phase);

export const PhaseState = z
  .enum(["started", "done", "failed"])
  .meta({ id: "PhaseState", description: "How far the step has come; a failed one may be tried again" });
export type PhaseState = z.infer<typeof PhaseState>;
