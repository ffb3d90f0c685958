import { z } from "zod";
import { CloudInitStage } from "./cloud-init.ts";
import { ClusterState } from "./cluster.ts";
import { MemberState, PhaseRecord } from "./member.ts";
import { NodeName } from "./name.ts";
import { Phase, PhaseState } from "./phase.ts";

const common = {
  sequence: z.int().positive().describe("Counts from 1 for each cluster; `Last-Event-ID` resumes after it"),
  at: z.iso.datetime().describe("When the server recorded it, by its clock"),
};

const message = z.string().optional().describe("Reason or further facts; absent if the state says it all");

/** One entry of a cluster's timeline. As a server-sent event its `id` is the sequence, so `Last-Event-ID` resumes. */
export const Event = z
  .discriminatedUnion("type", [
    z.strictObject({
      ...common,
      type: z.literal("cluster").describe("About the cluster as a whole"),
      state: ClusterState,
      message,
    }),
    z.strictObject({
      ...common,
      type: z.literal("member").describe("About one node's member"),
      member: NodeName,
      state: MemberState,
      message,
    }),
    z.strictObject({
      ...common,
      type: z.literal("phase").describe("A node reported a step"),
      member: NodeName,
      phase: Phase,
      state: PhaseState,
      durationMs: PhaseRecord.shape.durationMs,
      error: PhaseRecord.shape.error,
    }),
    z.strictObject({
      ...common,
      type: z.literal("cloud-init").describe("A machine's cloud-init reported a stage"),
      member: NodeName,
      stage: CloudInitStage,
      state: PhaseState,
      error: z.string().optional().describe("What cloud-init said about the failure; absent without one"),
    }),
    z.strictObject({
      ...common,
      type: z.literal("alert").describe("Something that an operator should know at once"),
      member: NodeName,
      code: z.string().describe("Kind of the alert, such as `wrong-machine`; the metrics count alerts by it"),
      message: z.string().describe("What happened, for people"),
    }),
  ])
  .meta({ id: "Event" });
export type Event = z.infer<typeof Event>;

type WithoutSequence<T> = T extends unknown ? Omit<T, "sequence"> : never;
/** An event that the store has not numbered yet. */
export type NewEvent = WithoutSequence<Event>;
