import { type SSEStreamingApi, streamSSE } from "hono/streaming";
import { z } from "zod";
import { Event } from "#api/event.ts";
import { ClusterId } from "#api/name.ts";
import { queryInteger } from "#api/query.ts";
import { followEvents } from "../clusters/follow-events.ts";
import { findCluster } from "../clusters/queries.ts";
import { apiToken } from "./auth.ts";
import { type DefineRoute, NoQuery } from "./define-route.ts";
import type { HoldingDependencies } from "./held-requests.ts";

const heartbeatMs = 15_000;

const LastEventId = queryInteger(0)
  .optional()
  .describe("Sequence of the last event that the client has; all events without it");

/** The timeline as server-sent events; `Last-Event-ID` resumes it after a closed connection. */
export function addEventRoutes(defineRoute: DefineRoute, { clusters, held, stopping }: HoldingDependencies): void {
  defineRoute({
    method: "get",
    path: "/v1/clusters/:id/events",
    summary: "Follow the timeline as server-sent events; it ends when the cluster is deleted",
    operationId: "followEvents",
    security: apiToken,
    params: z.object({ id: ClusterId }),
    query: NoQuery,
    headers: z.object({ "Last-Event-ID": LastEventId }),
    answer: {
      status: 200,
      description: "`id` is the event's sequence, `data` is one event as JSON",
      content: { "text/event-stream": Event },
    },
    problems: ["not-found"],
    async handler(c, { headers: { "Last-Event-ID": after = 0 } }) {
      const { id: clusterId } = await findCluster(clusters, c.req.param("id"));
      const end = held.begin(c);
      return streamSSE(c, async (stream) => {
        const gone = new AbortController();
        stream.onAbort(() => gone.abort());
        const signal = AbortSignal.any([gone.signal, stopping]);
        const pages = followEvents(clusters, { clusterId, after, heartbeatMs, signal });
        await send(stream, pages)
          .catch((error: unknown) => {
            clusters.logger.error("Cannot continue an event stream", { clusterId, error: String(error) });
          })
          .finally(end);
      });
    },
  });
}

async function send(stream: SSEStreamingApi, pages: AsyncIterable<Event[]>): Promise<void> {
  for await (const page of pages) {
    if (page.length === 0) await stream.write(": still here\n\n");
    for (const event of page)
      await stream.writeSSE({ id: String(event.sequence), event: event.type, data: JSON.stringify(event) });
  }
}
