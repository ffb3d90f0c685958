import { afterEach, describe, expect, it } from "vitest";
import { createFakeProvider } from "../../test/fakes/fake-provider.ts";
import { createTestServer, type TestServer } from "../../test/fixtures/test-server.ts";
import { watchMachines } from "./watch-machines.ts";
import { patience } from "../../test/fixtures/patience.ts";

let server: TestServer;
afterEach(() => server.close());

describe("watchMachines", () => {
  it("surveys at once and after each interval, and logs and counts failures", async () => {
    let surveys = 0;
    const survey = async () => {
      surveys += 1;
      throw new Error("You are not authorized to perform this operation");
    };
    server = await createTestServer({
      furtherProviders: () => [{ ...createFakeProvider("cloud"), surveyIntervalMs: 30_000, survey }],
    });
    const { clusters, clock, stopping, log } = server;
    const watching = watchMachines(clusters, stopping.signal);
    for (const count of [1, 2]) {
      await expect.poll(() => [surveys, clock.pending()], patience).toEqual([count, 1]);
      expect(log.filter((line) => line.includes("Cannot survey machines"))).toHaveLength(count);
      clock.advance(30_000);
    }
    stopping.abort();
    await watching;
    expect(log.find((line) => line.includes("not authorized"))).toContain('"provider":"cloud"');
    expect((await server.request("/metrics")).text).toMatch(
      /^sprout_machine_survey_failures_total\{provider="cloud"\} [23]$/m,
    );
  });
});
