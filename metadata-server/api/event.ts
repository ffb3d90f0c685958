import { z } from "zod";
import { CloudInitStage } from "./cloud-init.ts";
import { ClusterState } from "./cluster.ts";
import { MemberState } from "./member.ts";
import { NodeName } from "./name.ts";
import { Phase, PhaseState } from "./phase.ts";

const common = { sequence: z.int().positive(), at: z.iso.datetime() };

/** One line of a cluster's timeline; server-sent with `id:` = sequence, so that `Last-Event-ID` resumes it. */
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
/** An event before the store has numbered it. */
export type NewEvent = WithoutSequence<Event>;
