import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTestServer, type TestServer } from "../../test/fixtures/test-server.ts";
import { startRetriedWork } from "./retried-work.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

/** Runs the work until it ends, and returns the number of attempts. Each one fails. */
async function run(clusterId: string, isNeeded: () => boolean, onAttempt = () => {}): Promise<number> {
  let attempts = 0;
  const attempt = async () => {
    attempts += 1;
    onAttempt();
    throw new Error("the answer was lost");
  };
  startRetriedWork(server.clusters, { clusterId, name: "test", goal: "test", isNeeded, attempt });
  await server.clusters.background.idle();
  return attempts;
}

describe("startRetriedWork", () => {
  it("makes no attempt if the cluster's state does not need it", async () => {
    const { id } = await server.create();
    expect(await run(id, () => false)).toBe(0);
  });

  it("makes no attempt for a cluster that does not exist", async () => {
    expect(await run("c-none", () => true)).toBe(0);
  });

  it("ends after a failure that left nothing to do, without an entry on the timeline", async () => {
    const { id } = await server.create();
    const before = await server.events(id);
    let isNeeded = true;
    const finish = () => {
      isNeeded = false;
    };
    expect(await run(id, () => isNeeded, finish)).toBe(1);
    expect(await server.events(id)).toEqual(before);
    expect(server.log.join("\n")).toContain("the answer was lost");
  });

  it("ends without an error when the server stops", async () => {
    const { id } = await server.create();
    const stop = () => void server.clusters.background.stop("test");
    expect(await run(id, () => true, stop)).toBe(1);
    expect(server.log.join("\n")).not.toContain("Background work failed");
  });
});
