import { createParser } from "eventsource-parser";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { Event } from "#api/event.ts";
import { apiToken, createTestServer, problemOf, type TestServer } from "../../test/fixtures/test-server.ts";
import { patience } from "../../test/fixtures/patience.ts";

let server: TestServer;
let cluster: Cluster;
beforeEach(async () => {
  server = await createTestServer();
  cluster = await server.create({ nodes: 1 });
});
afterEach(() => server.close());

const path = () => `/v1/clusters/${cluster.id}/events`;

interface Stream {
  events: Event[];
  comments: string[];
  /** Resolves when the server ends the stream. */
  ended: Promise<void>;
}

async function open(headers: Record<string, string> = {}): Promise<Stream> {
  const response = await server.app.request(path(), { headers: { authorization: `Bearer ${apiToken}`, ...headers } });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const events: Event[] = [];
  const comments: string[] = [];
  const parser = createParser({
    onEvent({ id, event, data }) {
      const parsed = Event.parse(JSON.parse(data));
      expect({ id, event }).toEqual({ id: String(parsed.sequence), event: parsed.type });
      events.push(parsed);
    },
    onComment: (comment) => void comments.push(comment),
  });
  const read = async () => {
    for await (const chunk of response.body!) parser.feed(new TextDecoder().decode(chunk));
  };
  return { events, comments, ended: read() };
}

/** Waits until the stream waits for a change. */
async function untilWaiting() {
  while (server.clock.pending() === 0) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe("GET /v1/clusters/:id/events", () => {
  it("sends every event from the start, then each as it happens, and ends with the deletion", async () => {
    const stream = await open();
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await stream.ended;
    expect(stream.events.map((event) => `${event.type} ${"state" in event ? event.state : ""}`)).toEqual([
      "cluster pending",
      "cluster provisioning",
      "member launched",
      "cluster deleting",
      "member deleted",
      "cluster deleted",
    ]);
    expect(stream.events.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("resumes after Last-Event-ID, and ends at once after the last event of a deleted cluster", async () => {
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await server.clusters.background.idle();
    const resumed = await open({ "last-event-id": "4" });
    await resumed.ended;
    expect(resumed.events.map(({ sequence }) => sequence)).toEqual([5, 6]);
    const complete = await open({ "last-event-id": "6" });
    await complete.ended;
    expect(complete.events).toEqual([]);
  });

  it("sends a comment every 15 s while nothing happens, and ends when the server stops", async () => {
    const stream = await open();
    await untilWaiting();
    server.clock.advance(15_000);
    await untilWaiting();
    expect(stream.comments).toEqual(["still here"]);
    server.stopping.abort();
    await stream.ended;
    expect(server.clock.pending()).toBe(0);
  });

  it("stops watching when the client disconnects", async () => {
    const response = await server.app.request(path(), { headers: { authorization: `Bearer ${apiToken}` } });
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await vi.waitFor(async () => {
      expect((await server.request("/metrics")).text).toContain("sprout_held_requests 0");
    }, patience);
    expect(server.clock.pending()).toBe(0);
  });

  it.each(["-1", "1.5", "last"])("refuses Last-Event-ID %s", async (id) => {
    const problem = problemOf(
      await server.request(path(), { headers: { "last-event-id": id } }),
      "400 invalid-request",
    );
    expect(problem.errors).toEqual([
      { pointer: "/Last-Event-ID", detail: `Expected a whole number of at least 0, got "${id}"` },
    ]);
  });
});
