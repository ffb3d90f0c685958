import { z } from "zod";
import { CloudInitStage } from "./cloud-init.ts";
import { ClusterState } from "./cluster.ts";
import { MemberState } from "./member.ts";
import { NodeName } from "./name.ts";
import { Phase, PhaseState } from "./phase.ts";

const common = { sequence: z.int().positive(), at: z.iso.datetime() };

/** One entry of a cluster's timeline. As a server-sent event its `id` is the sequence, so `Last-Event-ID` resumes. */
export const Event = z
  .discriminatedUnion("type", [
    z.strictObject({ ...common, type: z.literal("cluster"), state: ClusterState, message: z.string().optional() }),
    z.strictObject({
      ...common,
      type: z.literal("member"),
      member: NodeName,
      state: MemberState,
      message: z.string().optional(),
    }),
    z.strictObject({
      ...common,
      type: z.literal("phase"),
      member: NodeName,
      phase: Phase,
      state: PhaseState,
      durationMs: z.number().nonnegative().optional(),
      error: z.string().optional(),
    }),
    z.strictObject({
      ...common,
      type: z.literal("cloud-init"),
      member: NodeName,
      stage: CloudInitStage,
      state: PhaseState,
      error: z.string().optional(),
    }),
    z.strictObject({ ...common, type: z.literal("alert"), member: NodeName, code: z.string(), message: z.string() }),
  ])
  .meta({ id: "Event" });
export type Event = z.infer<typeof Event>;

type WithoutSequence<T> = T extends unknown ? Omit<T, "sequence"> : never;
/** An event that the store has not numbered yet. */
export type NewEvent = WithoutSequence<Event>;
