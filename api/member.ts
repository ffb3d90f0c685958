import { z } from "zod";
import { AllocationId, NodeName, Role } from "./name.ts";
import { Address, Cidr } from "./network.ts";
import { NodePoolName } from "./node-pool.ts";
import { Phase, PhaseState } from "./phase.ts";

export const MemberState = z
  .enum(["pending", "launched", "bootstrapping", "ready", "failed", "detaching", "deleted"])
  .meta({
    id: "MemberState",
    description:
      "`launched` once its machine is started or its user-data issued, `bootstrapping` once the machine has called, `ready` once it is a Ready Node, `detaching` until it has left a ready cluster",
  });
export type MemberState = z.infer<typeof MemberState>;

/** One step on one machine. */
export const PhaseRecord = z
  .strictObject({
    phase: Phase,
    state: PhaseState,
    at: z.iso.datetime().describe("When its report arrived, by the server's clock"),
    durationMs: z
      .number()
      .nonnegative()
      .optional()
      .describe("Milliseconds that the step took, measured on the node; absent while it runs"),
    error: z.string().optional().describe("What failed, and why; only with state `failed`"),
  })
  .meta({ id: "PhaseRecord" });
export type PhaseRecord = z.infer<typeof PhaseRecord>;

export const MemberFailure = z
  .strictObject({
    phase: z.string().describe("The failed step or, if none failed, the last one; `launch` before any"),
    error: z.string().describe("The first error, kept even if retries followed"),
    exitCode: z.int().optional().describe("With which `sprout-bootstrap` ended; absent if it did not report one"),
    logTail: z.string().optional().describe("End of a failed command's output, redacted; absent if no command failed"),
  })
  .meta({ id: "MemberFailure" });
export type MemberFailure = z.infer<typeof MemberFailure>;

/** A drain that did not end in time. */
const DetachFailure = z
  .strictObject({
    at: z.iso.datetime().describe("When the server gave up, by its clock"),
    error: z.string().describe("What kept the node, and why"),
  })
  .meta({ id: "DetachFailure" });

export const Member = z
  .strictObject({
    name: NodeName,
    role: Role,
    nodePool: NodePoolName.nullable().describe("The worker's node pool; null for a control plane"),
    allocation: AllocationId,
    address: Address.nullable().describe("The node's address; null until its provider or its machine reports it"),
    podCidr: Cidr.describe("Subnet of the node's pods"),
    state: MemberState,
    phase: Phase.nullable().describe("Step of the last report, not counting `peers`; null before the first"),
    phases: z.array(PhaseRecord).describe("The last report of each step, in the order of their first reports"),
    launchedAt: z.iso
      .datetime()
      .nullable()
      .describe("When its machine was started or its user-data first issued; null before"),
    firstContactAt: z.iso.datetime().nullable().describe("When its machine first showed its capability; null before"),
    lastReportAt: z.iso.datetime().nullable().describe("When its last report arrived; null before the first"),
    failure: MemberFailure.nullable().describe("The member's first failure; null if there was none"),
    detachFailure: DetachFailure.nullable().describe("Why it stayed when it was last to be detached; null otherwise"),
  })
  .meta({ id: "Member" });
export type Member = z.infer<typeof Member>;
