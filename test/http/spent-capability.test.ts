import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { createTestCluster, type TestMachine } from "../fixtures/test-machine.ts";
import { plainUrl, refusal, type TestServer } from "../fixtures/test-server.ts";

const uuid = "4c4c4544-0051-3010-8053-b6c04f4a4732";
const elsewhere = "198.51.100.66";

let server: TestServer;
let cluster: Cluster;
let first: TestMachine;
let worker: TestMachine;
let reportToken: string;

beforeEach(async () => {
  ({ server, cluster, first, worker } = await createTestCluster());
  worker.hardware.uuid = uuid;
  await worker.metadata();
  await worker.claim();
  reportToken = await worker.confirm();
});
afterEach(() => server.close());

const alerts = async () =>
  (await server.events(cluster.id)).flatMap((event) => (event.type === "alert" ? [event.code] : []));
const messages = async () =>
  (await server.events(cluster.id)).flatMap((event) => ("message" in event && event.message ? [event.message] : []));
const memberNow = () => server.clusters.store.member(cluster.id, worker.name);

/** A reader of the spent capability. */
function steal(): TestMachine {
  worker.token = worker.capability;
  worker.from = elsewhere;
  return worker;
}
async function useReportToken(): Promise<void> {
  worker.token = reportToken;
  await worker.report("network", "done");
}

describe("POST /node/v1/claim/confirm with a spent capability", () => {
  it("records on the timeline that a node confirmed again, and from where", async () => {
    expect((await steal().postConfirm()).status).toBe(200);
    expect(await messages()).toContainEqual(expect.stringContaining(elsewhere));
    expect(await alerts()).toEqual([]);
  });

  it("records each of several confirmations at once, and only one of their tokens is good", async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => steal().postConfirm()));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect((await messages()).filter((message) => message.includes(elsewhere))).toHaveLength(5);
    const reports = await Promise.all(
      answers.map(({ body }) => {
        const { reportToken: token } = body as { reportToken: string };
        const report = { allocation: worker.allocation, sequence: 1, phase: "network", state: "done" };
        return server.request("/node/v1/reports", { token, body: report });
      }),
    );
    expect(reports.filter(({ status }) => status === 204)).toHaveLength(1);
  });

  it("raises an alert and refuses it once the report token was used, and nothing changes for the node", async () => {
    await useReportToken();
    const before = await memberNow();
    expect(refusal(await steal().postConfirm())).toBe("409 already-claimed");
    expect(await alerts()).toEqual(["already-claimed"]);
    expect(await memberNow()).toEqual(before);
    await useReportToken();
  });

  it("counts a request for peers as use of the token", async () => {
    await first.metadata();
    await first.claim();
    await first.confirm();
    expect((await server.request("/node/v1/peers", { token: first.token })).status).toBe(200);
    first.token = first.capability;
    expect(refusal(await first.postConfirm())).toBe("409 already-claimed");
  });

  it("counts a report that was known already as use of the token", async () => {
    const report = { sequence: 7, phase: "render", state: "done" } as const;
    for (const token of [worker.capability, reportToken]) {
      worker.token = token;
      expect((await worker.postReport(report)).status).toBe(204);
    }
    expect(refusal(await steal().postConfirm())).toBe("409 already-claimed");
  });
});

describe("The node API of a node that was bound with a UUID", () => {
  it.each([
    ["without a UUID", { uuid: undefined }],
    ["with another UUID", { uuid: uuid.replace("4732", "4733") }],
  ])("refuses a confirmation %s", async (_, shown) => {
    const { macs } = worker.hardware;
    worker.token = worker.capability;
    expect(refusal(await worker.postConfirm({ macs, ...shown }))).toBe("403 wrong-machine");
    expect(await alerts()).toEqual(["wrong-machine"]);
    await useReportToken();
  });

  it("accepts it in the other byte order", async () => {
    worker.token = worker.capability;
    worker.hardware.uuid = "44454C4C-5100-1030-8053-B6C04F4A4732";
    expect((await worker.postConfirm()).status).toBe(200);
  });

  it("lets in a machine whose firmware never shows one", async () => {
    await first.metadata();
    first.hardware.uuid = uuid;
    expect((await first.getMetadata()).status).toBe(200);
  });
});

describe("A spent capability after the seconds in flight", () => {
  beforeEach(() => server.clock.advance(5001));

  it.each<[string, string, () => Promise<unknown>]>([
    ["metadata", "409 already-claimed", async () => refusal(await steal().getMetadata())],
    [
      "a report",
      "409 already-claimed",
      async () => refusal(await steal().postReport({ phase: "render", state: "done" })),
    ],
    ["a proof", "403 wrong-machine", async () => refusal(await steal().postReport({ phase: "verify", state: "done" }))],
    [
      "peers",
      "403 wrong-machine",
      async () => refusal(await server.request("/node/v1/peers", { token: worker.capability, from: elsewhere })),
    ],
  ])("refuses it with an alert at %s", async (_, refused, ask) => {
    expect(await ask()).toBe(refused);
    expect(await alerts()).toEqual(["already-claimed"]);
    const audit = await server.clusters.store.audit({ after: 0, limit: 100 });
    expect(audit.filter(({ outcome }) => outcome === "refused")).toMatchObject([{ from: elsewhere }]);
  });

  it("raises no alert on the plain surface, where cloud-init asks at every boot", async () => {
    const answer = await server.request(`${plainUrl}/nocloud/${worker.capability}/meta-data`, { token: null });
    expect([answer.status, await alerts()]).toEqual([200, []]);
  });
});
