import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { recordRepeats } from "../../metadata-server/clusters/refusals.ts";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, type TestServer } from "../fixtures/test-server.ts";

const maxAuditEntries = 100;
let server: TestServer;
let cluster: Cluster;
let worker: TestMachine;
beforeEach(async () => {
  server = await createTestServer({ maxAuditEntries });
  cluster = await server.create();
  worker = createTestMachine(server, cluster, 1);
});
afterEach(() => server.close());

const audit = async () =>
  (await server.clusters.store.audit({ after: 0, limit: 10_000 })).map(({ action, detail }) => [action, detail]);
const alerts = async () =>
  (await server.events(cluster.id)).flatMap((event) => (event.type === "alert" ? [event.message] : []));
async function endMinute(): Promise<void> {
  server.clock.advance(60_000);
  await recordRepeats(server.clusters);
}

describe("Calls that a node repeats", () => {
  it("leave the first two claims in the audit log at once, and then one entry a minute with their number", async () => {
    for (let time = 0; time < maxAuditEntries + 1; time += 1) await worker.claim();
    await endMinute();
    expect(await audit()).toEqual([
      ["cluster-create", undefined],
      ["capability-use", `bound to MAC ${worker.mac}`],
      ["claim", undefined],
      ["claim", "claim number 2"],
      ["claim", `claim number ${maxAuditEntries + 1}`],
    ]);
  });

  it("leave an entry for the first claim of each of 20 at once, and count the others", async () => {
    await Promise.all(Array.from({ length: 20 }, () => worker.claim()));
    await endMinute();
    const claims = (await audit()).filter(([action]) => action === "claim");
    expect(claims.slice(0, 2)).toEqual([
      ["claim", undefined],
      ["claim", "claim number 2"],
    ]);
    expect(claims.at(-1)).toEqual(["claim", "claim number 20"]);
    expect(claims).toHaveLength(3);
  });

  it("count confirmations in the audit log", async () => {
    await worker.claim();
    for (let time = 0; time < 50; time += 1) {
      worker.token = worker.capability;
      await worker.confirm();
    }
    await endMinute();
    expect((await audit()).slice(3)).toEqual([
      ["confirm", undefined],
      ["confirm", "confirmation number 2"],
      ["confirm", "confirmation number 50"],
    ]);
  });

  it("raise the alert for a spent capability twice on the timeline, and then once a minute with the number", async () => {
    await worker.claim();
    await worker.confirm();
    worker.token = worker.capability;
    for (let time = 0; time < 20; time += 1) await worker.postClaim();
    await Promise.all(Array.from({ length: 80 }, () => worker.postClaim()));
    await endMinute();
    const message = `Credentials of ${worker.name} were claimed again after their confirmation`;
    expect(await alerts()).toEqual([message, message, `98 more times: ${message}`]);
    expect((await server.request("/metrics")).text).toContain('sprout_alerts_total{code="already-claimed"} 100');
  });

  it("raise the alert for another machine with the capability of a confirmed node as rarely", async () => {
    await worker.claim();
    await worker.confirm();
    worker.token = worker.capability;
    for (let time = 0; time < 30; time += 1)
      await worker.getMetadata(`mac=02:00:00:00:00:${String(time).padStart(2, "0")}`);
    await endMinute();
    expect(await alerts()).toHaveLength(3);
    expect((await alerts()).at(-1)).toMatch(/^28 more times: Another machine showed the capability/);
  });

  it("show the first 1,000 reports of a node on the timeline, and the last one of each minute after those", async () => {
    await worker.claim();
    await worker.confirm();
    const report = async (sequence: number) =>
      expect(
        (await worker.postReport({ phase: "kubelet", state: "failed", error: `try ${sequence}`, sequence })).status,
      ).toBe(204);
    const reports = async () =>
      (await server.events(cluster.id)).flatMap((event) => (event.type === "phase" ? [event.error] : []));
    for (const sequence of [998, 999, 1000]) await report(sequence);
    expect(await reports()).toEqual(["try 998", "try 999", "try 1000"]);
    for (let sequence = 1001; sequence <= 1050; sequence += 1) await report(sequence);
    await endMinute();
    expect((await reports()).slice(3)).toEqual(["try 1001", "try 1002", "try 1050"]);
    const { members } = await server.cluster(cluster.id);
    expect(members[1]?.phases).toMatchObject([{ phase: "kubelet", error: "try 1050" }]);
  });
});
