import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Event } from "#api/event.ts";
import { fakeEvents, startFakeApi, toServerSent, type FakeApi } from "../../test/fakes/fake-api.ts";
import { loadConnection, type Connection } from "./connection.ts";
import { streamEvents } from "./event-stream.ts";
import { patientSignal } from "../../test/fixtures/patience.ts";

const member = "node01.build126.sprout.internal";
let api: FakeApi;
let connection: Connection;
/** What the next request gets. */
let chunks: Uint8Array[] = [];

beforeAll(async () => {
  api = await startFakeApi((app) =>
    app.get("/events", (c) => c.body(ReadableStream.from(chunks), 200, { "content-type": "text/event-stream" })),
  );
  connection = await loadConnection({ server: api.url, dataDir: api.dataDir }, { server: undefined, token: undefined });
});
afterAll(() => api.close());

async function read(): Promise<Event[]> {
  const options = { path: "/events", follow: true, maxAttempts: 1, signal: patientSignal() };
  return Array.fromAsync(streamEvents(connection, options));
}

function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % bytes.length), bytes.length].toSorted((one, other) => one - other);
  return ends
    .map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end))
    .filter(({ length }) => length > 0);
}

describe("streamEvents", () => {
  const messages = fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 5 });
  const places = fc.array(fc.nat(), { maxLength: 12 });

  it("yields the same events for any division of its bytes, also within a character", async () => {
    await fc.assert(
      fc.asyncProperty(messages, places, async (texts, at) => {
        const events = [
          ...texts.map((error, ms) => ({ ms, type: "phase", member, phase: "claim", state: "failed", error }) as const),
          { ms: 99, type: "cluster", state: "deleted" } as const,
        ];
        const expected = fakeEvents(...events);
        chunks = cut(Buffer.from(expected.map(toServerSent).join("")), at);
        expect(await read()).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  it("throws on any other text, and yields no event of it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1 }), async (text) => {
        fc.pre(!/[\r\n]/.test(text));
        chunks = [Buffer.from(`id: 1\ndata: ${text}\n\n`)];
        await expect(read()).rejects.toThrow("Cannot understand the server's answer: ");
      }),
      { numRuns: 40 },
    );
  });
});
