import { describe, expect, it } from "vitest";
import { createTestServer } from "../../test/fixtures/test-server.ts";
import { whyNotReady } from "./why-not-ready.ts";

describe("whyNotReady", () => {
  it.each([
    [0, undefined],
    [15_000, undefined],
    [-15_000, undefined],
    [15_600, "the server's clock is 16 s ahead of the store's"],
    [-3_600_000, "the server's clock is 3600 s behind the store's"],
  ])("answers, if the clock is %i ms ahead: %s", async (skewMs, reason) => {
    const server = await createTestServer();
    const { clusters, stopping } = server;
    expect(await whyNotReady({ clusters, stopping: stopping.signal, clockSkewMs: () => skewMs })).toBe(reason);
    await server.close();
  });
});
