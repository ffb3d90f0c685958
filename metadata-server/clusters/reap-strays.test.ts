import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestServer, type TestServer } from "../../test/fixtures/test-server.ts";
import { watchStrays } from "./reap-strays.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

describe("watchStrays", () => {
  it("reaps what no cluster owns for a minute, and nothing that a cluster has or gets meanwhile", async () => {
    const { provider, clock } = server;
    const { id } = await server.create();
    const owned = provider.running.size;
    const stray = { clusterId: "c-stray", allocation: "a-stray" };
    provider.running.set(stray.allocation, stray);
    provider.segments.add(stray.clusterId);
    const stop = new AbortController();
    const watching = watchStrays(server.clusters, stop.signal);
    while (clock.pending() === 0) await setImmediate();
    expect(provider.running.has(stray.allocation)).toBe(true);
    // Reserved after the first look: its cluster may be stored any moment.
    provider.segments.add("c-reserved");
    clock.advance(60_000);
    while (clock.pending() === 0) await setImmediate();
    expect([...provider.segments]).toEqual([id, "c-reserved"]);
    expect(provider.running.size).toBe(owned);
    stop.abort();
    await watching;
  });
});
