import { afterEach, expect, it } from "vitest";
import type { Hono } from "hono";
import type { Event } from "#api/event.ts";
import { fakeEvents, startFakeApi, toServerSent, type FakeApi } from "../../test/fakes/fake-api.ts";
import { loadConnection } from "./connection.ts";
import { streamEvents } from "./event-stream.ts";

const closing: FakeApi[] = [];
afterEach(async () => {
  await Promise.all(closing.splice(0).map((api) => api.close()));
});

const events = fakeEvents(
  { ms: 0, type: "cluster", state: "provisioning" },
  { ms: 10, type: "cluster", state: "ready" },
  { ms: 20, type: "cluster", state: "deleted" },
);

/** A body of these chunks, which then is aborted, ends or stays open. */
function body(chunks: string[], then: "breaks" | "ends" | "stays"): Response {
  const stream = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
      if (then === "ends") controller.close();
      if (then === "breaks") setTimeout(() => controller.error(new Error("fault made by the test")), 20);
    },
  });
  return new Response(stream, { headers: { "content-type": "text/event-stream" } });
}

async function open(define: (app: Hono) => void, options: Partial<Parameters<typeof streamEvents>[1]> = {}) {
  const api = await startFakeApi(define);
  closing.push(api);
  const flags = { server: api.url, dataDir: api.dataDir };
  const connection = await loadConnection(flags, { server: undefined, token: undefined });
  const { signal } = new AbortController();
  return streamEvents(connection, { path: "/events", follow: true, signal, retryDelayMs: 5, ...options });
}

async function collect(stream: AsyncIterable<Event>) {
  const seen: Event[] = [];
  try {
    for await (const event of stream) seen.push(event);
    return { seen };
  } catch (error) {
    return { seen, error };
  }
}

it("an interrupted stream resumes after the last event, and yields each event once", async () => {
  const resumed: (string | undefined)[] = [];
  const stream = await open((app) =>
    app.get("/events", (c) => {
      resumed.push(c.req.header("last-event-id"));
      if (resumed.length === 1) return body([toServerSent(events[0]!)], "breaks");
      // This one repeats an event, as a server may that was restarted.
      if (resumed.length === 2) return body([toServerSent(events[0]!), toServerSent(events[1]!)], "ends");
      return body([toServerSent(events[2]!)], "stays");
    }),
  );
  expect(await collect(stream)).toEqual({ seen: events });
  expect(resumed).toEqual([undefined, "1", "2"]);
});

it("an event that arrives in pieces between comments is one event", async () => {
  const text = events.map(toServerSent).join(": still here\n\n");
  const pieces = Array.from({ length: Math.ceil(text.length / 7) }, (_, index) => text.slice(index * 7, index * 7 + 7));
  const stream = await open((app) => app.get("/events", () => body(pieces, "stays")));
  expect(await collect(stream)).toEqual({ seen: events });
});

it("ends without follow when the server is silent", async () => {
  const stream = await open((app) => app.get("/events", () => body([toServerSent(events[0]!)], "stays")), {
    follow: false,
    quietMs: 50,
  });
  expect(await collect(stream)).toEqual({ seen: [events[0]] });
});

it("a stream that closes every time fails after all attempts", async () => {
  let connections = 0;
  const stream = await open(
    (app) =>
      app.get("/events", () => {
        connections += 1;
        return body([], "ends");
      }),
    { maxAttempts: 3 },
  );
  expect(await collect(stream)).toMatchObject({
    seen: [],
    error: { exitCode: 5, message: expect.stringMatching(/keeps closing the stream$/) as string },
  });
  expect(connections).toBe(3);
});

it.for([
  ["an event that is not JSON", "id: 1\ndata: {\n\n", /Expected property name or '}'/],
  ["an unknown kind of event", 'id: 1\ndata: {"type":"weather"}\n\n', /event 1: \/type: Expected "cluster", "member"/],
  ["an event under another's id", toServerSent(events[0]!).replace("id: 1", "id: 7"), /event 1 has the id 7/],
] as const)("%s ends the stream at once", async ([, text, message]) => {
  let connections = 0;
  const stream = await open((app) =>
    app.get("/events", () => {
      connections += 1;
      return body([text], "stays");
    }),
  );
  const { seen, error } = await collect(stream);
  expect(seen).toEqual([]);
  expect(error).toMatchObject({ exitCode: 5, message: expect.stringMatching(message) as string });
  expect(connections).toBe(1);
});

it("a stream of another content type is refused", async () => {
  const stream = await open((app) => app.get("/events", (c) => c.json([])));
  expect((await collect(stream)).error).toMatchObject({
    exitCode: 5,
    message: expect.stringContaining("expected content type text/event-stream") as string,
  });
});

it("an unknown cluster ends the stream with exit code 3", async () => {
  const problem = { type: "/problems/not-found", title: "No such cluster", status: 404 };
  const stream = await open((app) =>
    app.get("/events", (c) => c.json(problem, 404, { "content-type": "application/problem+json" })),
  );
  expect((await collect(stream)).error).toMatchObject({ exitCode: 3, message: "No such cluster" });
});

it("an abort ends a stream that is silent", async () => {
  const controller = new AbortController();
  const stream = await open((app) => app.get("/events", () => body([], "stays")), { signal: controller.signal });
  setTimeout(() => controller.abort(new Error("enough")), 50);
  expect(await collect(stream)).toMatchObject({ seen: [], error: new Error("enough") });
});
