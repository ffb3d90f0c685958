import { createLogUpdate } from "log-update";
import type { Cluster } from "#api/cluster.ts";
import type { Event } from "#api/event.ts";
import { isSettled, type WaitCondition } from "#api/wait.ts";
import type { ApiClient } from "../client/api-client.ts";
import { isLive, styleOf, type CliContext } from "../context.ts";
import { renderEventLine } from "./line.ts";
import { applyEvent, createTimeline, hasEnded, type Timeline } from "./model.ts";
import { renderTimeline } from "./render.ts";

interface FollowOptions {
  client: ApiClient;
  condition: Exclude<WaitCondition, "deleted">;
  timeoutMs: number;
  /** The longest time from ready to available, within `timeoutMs`; by default all that is left of it. */
  proofTimeoutMs?: number | undefined;
}

interface Followed {
  cluster: Cluster;
  timeline: Timeline;
  /** When this process learned that the cluster was ready, or cannot become ready. */
  readyHeardAt: number;
  /** When it learned the final result. */
  endHeardAt: number;
}

/** How long the timeline may lag behind the verdict. */
const trailMs = 1000;

/** The proof of `available` gives up after 120 s. A machine that dies during it sends no report. */
export const proofAllowanceMs = 150_000;

/**
 * Shows a cluster's bring-up on stderr until the condition holds or can no longer hold. The cluster's state decides;
 * events only draw the timeline, so a lost event stream does not fail a cluster.
 */
export async function followCluster(cluster: Cluster, context: CliContext, options: FollowOptions): Promise<Followed> {
  const { client, condition, timeoutMs, proofTimeoutMs = timeoutMs } = options;
  const display = createDisplay(cluster, context, condition);
  const ended = new AbortController();
  const signal = AbortSignal.any([context.signal, ended.signal]);
  const drawn = drawEvents(client.events(cluster.id, { follow: true, signal }), display).catch((error: unknown) => {
    if (!signal.aborted) display.note(`The timeline stops here: ${(error as Error).message}`);
  });
  try {
    const end = context.now() + timeoutMs;
    let settled = await client.wait(cluster.id, { condition: "ready", timeoutMs });
    const readyHeardAt = context.now();
    if (!isSettled(settled, condition))
      settled = await client.wait(cluster.id, {
        condition,
        timeoutMs: Math.max(0, Math.min(end - readyHeardAt, proofTimeoutMs)),
      });
    const endHeardAt = context.now();
    const trail = setTimeout(() => ended.abort(), trailMs);
    await Promise.race([drawn, display.settled]);
    clearTimeout(trail);
    return { cluster: settled, timeline: display.timeline(), readyHeardAt, endHeardAt };
  } finally {
    ended.abort();
    await drawn;
    display.close();
  }
}

async function drawEvents(events: AsyncIterable<Event>, display: Display) {
  for await (const event of events) display.apply(event);
}

type Display = ReturnType<typeof createDisplay>;

function createDisplay(cluster: Cluster, context: CliContext, condition: FollowOptions["condition"]) {
  let timeline = createTimeline(cluster);
  const { stderr } = context;
  const settled = Promise.withResolvers<void>();
  const live = isLive(context, stderr);
  const style = styleOf(context, stderr);
  const log = createLogUpdate(stderr);
  const draw = () =>
    log(
      `\n${renderTimeline(timeline, { now: context.now(), columns: stderr.columns ?? 80, rows: (stderr.rows ?? 24) - 2, style })}\n`,
    );
  const timer = live ? setInterval(draw, 125) : undefined;

  return {
    timeline: () => timeline,
    settled: settled.promise,
    apply(event: Event) {
      timeline = applyEvent(timeline, event);
      if (!live && !(event.type === "phase" && event.state === "started"))
        stderr.write(`${renderEventLine(event, timeline.startedAt)}\n`);
      if (hasEnded(timeline, condition)) settled.resolve();
    },
    note: (text: string) => (live ? log.persist(text) : stderr.write(`${text}\n`)),
    close() {
      clearInterval(timer);
      if (live) {
        draw();
        log.done();
      }
    },
  };
}
