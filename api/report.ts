import { z } from "zod";
import { AllocationId, NodeName } from "./name.ts";
import { Phase, PhaseState } from "./phase.ts";

/** The last report of a peer. */
export const MissingPeer = z
  .strictObject({
    name: NodeName,
    lastPhase: z
      .string()
      .max(64)
      .describe(
        "Step of its last report; `metadata` if it only called, `none` if it never did, or words of the first control plane",
      ),
    lastReportAgoMs: z
      .int()
      .nonnegative()
      .nullable()
      .describe("Milliseconds since its last report or, before any, its first call; null if unknown"),
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
    sequence: z
      .int()
      .positive()
      .describe("Counts from 1 for each allocation, without gaps; a repeated report changes nothing"),
    phase: Phase,
    state: PhaseState,
    durationMs: z
      .number()
      .nonnegative()
      .max(86_400_000)
      .optional()
      .describe("Milliseconds that the step took, measured on the node; absent while it runs"),
    error: z.string().max(8192).optional().describe("What failed, and why; only with state `failed`"),
    logTail: z
      .string()
      .max(maxLogTailBytes)
      .optional()
      .describe("End of a failed command's output, redacted; absent if no command failed"),
    missing: z
      .array(MissingPeer)
      .max(maxMissing)
      .optional()
      .describe("The first control plane's verdict at the deadline: nodes that are not Ready"),
    exitCode: z
      .int()
      .min(1)
      .max(255)
      .optional()
      .describe("With which `sprout-bootstrap` ends; only in its last report, if it fails"),
  })
  .meta({ id: "Report" });
export type Report = z.infer<typeof Report>;
