import type { Hono } from "hono";
import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { z } from "zod";
import type { Event } from "#api/event.ts";
import { followEvents } from "../clusters/follow-events.ts";
import { findCluster } from "../clusters/queries.ts";
import type { HttpDependencies } from "./dependencies.ts";
import { parse, parseQuery } from "./request.ts";

const heartbeatMs = 15_000;

export const LastEventId = z
  .string()
  .regex(/^\d{1,15}$/, "must be the sequence of an event")
  .transform(Number)
  .optional();
const Headers = z.object({ "Last-Event-ID": LastEventId });
const NoQuery = z.strictObject({});

/** The timeline as server-sent events; `Last-Event-ID` goes on where a connection broke. */
export function addEventRoutes(app: Hono, { clusters, metrics, stopping }: HttpDependencies): void {
  app.get("/v1/clusters/:id/events", async (c) => {
    parseQuery(c, NoQuery);
    const headers = parse(Headers, { "Last-Event-ID": c.req.header("last-event-id") });
    const { id: clusterId } = await findCluster(clusters, c.req.param("id"));
    const after = headers["Last-Event-ID"] ?? 0;
    return streamSSE(c, async (stream) => {
      const gone = new AbortController();
      stream.onAbort(() => gone.abort());
      const signal = AbortSignal.any([gone.signal, stopping]);
      const pages = followEvents(clusters, { clusterId, after, heartbeatMs, signal });
      await metrics.whileHeld(send(stream, pages)).catch((error: unknown) => {
        clusters.logger.error("Event stream broke", { clusterId, error: String(error) });
      });
    });
  });
}

async function send(stream: SSEStreamingApi, pages: AsyncIterable<Event[]>): Promise<void> {
  for await (const page of pages) {
    if (page.length === 0) await stream.write(": still here\n\n");
    for (const event of page)
      await stream.writeSSE({ id: String(event.sequence), event: event.type, data: JSON.stringify(event) });
  }
}
