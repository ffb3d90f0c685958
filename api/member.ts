import { z } from "zod";
import { AllocationId, NodeName, Role } from "./name.ts";
import { Address, Cidr } from "./network.ts";
import { Phase, PhaseState } from "./phase.ts";

export const MemberState = z
  .enum(["pending", "launched", "bootstrapping", "ready", "failed", "detaching", "deleted"])
  .meta({ id: "MemberState" });
export type MemberState = z.infer<typeof MemberState>;

/** One step on one machine; `at` is the time of its report, by the server's clock. */
export const PhaseRecord = z
  .strictObject({
    phase: Phase,
    state: PhaseState,
    at: z.iso.datetime(),
    durationMs: z.number().nonnegative().optional(),
    error: z.string().optional(),
  })
  .meta({ id: "PhaseRecord" });
export type PhaseRecord = z.infer<typeof PhaseRecord>;

export const MemberFailure = z
  .strictObject({
    phase: z.string(),
    /** The first error, kept even if retries followed. */
    error: z.string(),
    exitCode: z.int().optional(),
    logTail: z.string().optional(),
  })
  .meta({ id: "MemberFailure" });
export type MemberFailure = z.infer<typeof MemberFailure>;

/** A drain that did not end in time. */
const DetachFailure = z.strictObject({ at: z.iso.datetime(), error: z.string() }).meta({ id: "DetachFailure" });

export const Member = z
  .strictObject({
    name: NodeName,
    role: Role,
    allocation: AllocationId,
    address: Address.nullable(),
    podCidr: Cidr,
    state: MemberState,
    phase: Phase.nullable(),
    phases: z.array(PhaseRecord),
    launchedAt: z.iso.datetime().nullable(),
    firstContactAt: z.iso.datetime().nullable(),
    lastReportAt: z.iso.datetime().nullable(),
    failure: MemberFailure.nullable(),
    /** Why it stayed when it was last to be detached. */
    detachFailure: DetachFailure.nullable(),
  })
  .meta({ id: "Member" });
export type Member = z.infer<typeof Member>;
