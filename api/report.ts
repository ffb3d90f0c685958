import { z } from "zod";
import { AllocationId, NodeName } from "./name.ts";
import { Phase, PhaseState } from "./phase.ts";

/** The last report of a peer. */
export const MissingPeer = z
  .strictObject({
    name: NodeName,
    /** `none` if its machine never reported. */
    lastPhase: z.string().max(64),
    lastReportAgoMs: z.int().nonnegative().nullable(),
  })
  .meta({ id: "MissingPeer" });
export type MissingPeer = z.infer<typeof MissingPeer>;

/** More do not fit into a report. */
const maxMissing = 1500;

export const maxLogTailBytes = 16 * 1024;

/** `POST /node/v1/reports`: one step's start or end. Idempotent by `sequence`; redacted by the node. */
export const Report = z
  .strictObject({
    allocation: AllocationId,
    /** Counts from 1 for each allocation, without gaps; a repeated report changes nothing. */
    sequence: z.int().positive(),
    phase: Phase,
    state: PhaseState,
    /** Duration of the step, measured on the node. */
    durationMs: z.number().nonnegative().max(86_400_000).optional(),
    error: z.string().max(8192).optional(),
    logTail: z.string().max(maxLogTailBytes).optional(),
    /** The first control plane's verdict at the deadline. */
    missing: z.array(MissingPeer).max(maxMissing).optional(),
    /** The bootstrapper's exit code, only in its last failed report. */
    exitCode: z.int().min(1).max(255).optional(),
  })
  .meta({ id: "Report" });
export type Report = z.infer<typeof Report>;
