import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { bringUp, createTestCluster, createTestMachine, type TestMachine } from "../../test/fixtures/test-machine.ts";
import { problemOf, refusal, type TestServer } from "../../test/fixtures/test-server.ts";

const otherMac = "52:54:00:99:99:99";

let server: TestServer;
let cluster: Cluster;
let first: TestMachine;
let worker: TestMachine;

beforeEach(async () => {
  ({ server, cluster, first, worker } = await createTestCluster());
});
afterEach(() => server.close());

const alerts = async () => (await server.events(cluster.id)).filter((event) => event.type === "alert");
const memberState = async (index: number) => (await server.cluster(cluster.id)).members[index];

/** Sends it, and checks that nothing stored has changed. */
async function unchanged<T>(send: () => Promise<T>): Promise<T> {
  const before = await server.dump();
  const answer = await send();
  expect(await server.dump()).toEqual(before);
  return answer;
}

describe("A capability that nobody has", () => {
  it.each([
    ["GET metadata", () => server.request(`/node/v1/metadata?mac=${otherMac}`, { token: "x".repeat(43) })],
    ["a token of another length", () => server.request(`/node/v1/metadata?mac=${otherMac}`, { token: "short" })],
    ["the API token", () => server.request(`/node/v1/metadata?mac=${otherMac}`)],
    ["POST claim", () => server.request("/node/v1/claim", claimWith("y".repeat(43)))],
    ["POST confirm", () => server.request("/node/v1/claim/confirm", claimWith("y".repeat(43)))],
    ["GET peers", () => server.request("/node/v1/peers", { token: "y".repeat(43) })],
    ["POST report", () => server.request("/node/v1/reports", reportWith("y".repeat(43)))],
  ])("is refused: %s", async (_, send) => {
    expect(refusal(await unchanged(send))).toBe("403 wrong-machine");
  });

  it("gets the same answer as another machine's capability", async () => {
    const unknown = await server.request(`/node/v1/metadata?mac=${otherMac}`, { token: "x".repeat(43) });
    const foreign = await worker.getMetadata(`mac=${otherMac}`);
    expect(foreign.text).toBe(unknown.text);
    expect(Object.fromEntries(foreign.headers)).toEqual(Object.fromEntries(unknown.headers));
  });

  it("is told apart from no capability at all", async () => {
    const answer = await unchanged(() => server.request(`/node/v1/metadata?mac=${otherMac}`, { token: null }));
    expect(refusal(answer)).toBe("401 unauthorized");
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  });
});

describe("A capability in another machine's hands", () => {
  it("freezes the member, fails it and raises one alert, before and after it was bound", async () => {
    await worker.metadata();
    expect(refusal(await worker.getMetadata(`mac=${otherMac}`))).toBe("403 wrong-machine");
    expect(refusal(await worker.postClaim({ macs: [otherMac] }))).toBe("403 wrong-machine");
    expect(await alerts()).toMatchObject([
      {
        member: worker.name,
        code: "wrong-machine",
        message: `Capability of ${worker.name} was presented by another machine (MAC ${otherMac})`,
      },
    ]);
    expect(await memberState(1)).toMatchObject({ state: "failed", failure: { phase: "metadata" } });
    expect(server.log.filter((line) => line.startsWith("Alert"))).toHaveLength(2);
  });

  it("hands out nothing to anybody afterwards, not even to the right machine", async () => {
    await worker.metadata();
    await worker.getMetadata(`mac=${otherMac}`);
    expect(refusal(await unchanged(() => worker.getMetadata()))).toBe("403 wrong-machine");
    expect(refusal(await unchanged(() => worker.postClaim()))).toBe("403 wrong-machine");
    expect(refusal(await unchanged(() => worker.postConfirm()))).toBe("403 wrong-machine");
    const report = { phase: "verify", state: "done" } as const;
    expect(refusal(await unchanged(() => worker.postReport(report)))).toBe("403 wrong-machine");
  });

  it("fails the cluster at once where it is the first control plane's", async () => {
    await first.getMetadata(`mac=${otherMac}`);
    expect(await server.cluster(cluster.id)).toMatchObject({
      state: "failed",
      failure: { message: `Capability of ${first.name} was presented by another machine (MAC ${otherMac})` },
    });
  });

  it("does not disturb a node that has confirmed, but raises the alert", async () => {
    await worker.metadata();
    await worker.claim();
    const reportToken = await worker.confirm();
    worker.token = worker.capability;
    expect(refusal(await worker.postClaim({ macs: [otherMac] }))).toBe("403 wrong-machine");
    expect(await alerts()).toHaveLength(1);
    expect((await memberState(1))?.state).toBe("bootstrapping");
    worker.token = reportToken;
    await worker.report("network", "done");
  });

  it("is another machine's also where one node uses its neighbour's", async () => {
    const neighbour = createTestMachine(server, cluster, 2);
    expect(refusal(await neighbour.getMetadata(`mac=${worker.mac}`))).toBe("403 wrong-machine");
    await worker.metadata();
  });

  it("is refused where the MAC is the same and the SMBIOS UUID is not", async () => {
    await worker.getMetadata(`mac=${worker.mac}&uuid=${uuid("1")}`);
    expect((await worker.getMetadata(`mac=${worker.mac}&uuid=${uuid("1")}`)).status).toBe(200);
    expect(refusal(await worker.getMetadata(`mac=${worker.mac}&uuid=${uuid("2")}`))).toBe("403 wrong-machine");
  });
});

describe("A spent capability", () => {
  beforeEach(async () => {
    await worker.metadata();
    await worker.claim();
    await worker.confirm();
    worker.token = worker.capability;
  });

  it("claims nothing, and every try raises an alert", async () => {
    expect(refusal(await worker.postClaim())).toBe("409 already-claimed");
    expect(refusal(await worker.postClaim())).toBe("409 already-claimed");
    expect((await alerts()).map((alert) => alert.code)).toEqual(["already-claimed", "already-claimed"]);
    expect((await memberState(1))?.state).toBe("bootstrapping");
  });

  it("gets no metadata", async () => {
    expect(refusal(await unchanged(() => worker.getMetadata()))).toBe("409 already-claimed");
  });

  it("reports what was under way, and nothing later", async () => {
    await worker.report("confirm", "started");
    server.clock.advance(5001);
    const report = { phase: "confirm", state: "done" } as const;
    expect(refusal(await unchanged(() => worker.postReport(report)))).toBe("409 already-claimed");
  });

  it("confirms nothing once the deadline has passed", async () => {
    await first.metadata();
    server.clock.advance(180_000);
    expect(refusal(await worker.postConfirm())).toBe("409 already-claimed");
    expect(await alerts()).toHaveLength(1);
  });
});

describe("A report token", () => {
  it("gets neither metadata nor credentials", async () => {
    const machines = await bringUp(server, cluster);
    const ready = machines[1]!;
    expect(refusal(await unchanged(() => ready.getMetadata()))).toBe("403 wrong-machine");
    expect(refusal(await unchanged(() => ready.postClaim()))).toBe("403 wrong-machine");
    expect(refusal(await unchanged(() => ready.postConfirm()))).toBe("403 wrong-machine");
  });
});

describe("An allocation that is not the capability's", () => {
  it("is refused with claim, confirmation and report", async () => {
    const allocation = first.allocation;
    const body = { allocation, hardware: { macs: [worker.mac] } };
    for (const path of ["/node/v1/claim", "/node/v1/claim/confirm"])
      expect(refusal(await unchanged(() => server.request(path, { token: worker.token, body })))).toBe(
        "403 wrong-machine",
      );
    expect(refusal(await unchanged(() => worker.postReport({ allocation, phase: "verify", state: "done" })))).toBe(
      "403 wrong-machine",
    );
  });
});

describe("A cluster that is over", () => {
  it("hands out nothing once it failed", async () => {
    await first.metadata();
    await first.report("static-pods", "failed", { error: "kubeadm: exit code 1" });
    const answer = await unchanged(() => worker.getMetadata());
    expect(problemOf(answer, "410 gone").detail).toBe("Cluster build126 is failed: no node can join it");
    expect(refusal(await unchanged(() => worker.postClaim()))).toBe("410 gone");
  });

  it("hands out nothing past its deadline", async () => {
    await first.metadata();
    server.clock.advance(180_000);
    expect(refusal(await worker.getMetadata())).toBe("410 gone");
  });

  it("knows no capability any more once it is deleted", async () => {
    await server.request(`/v1/clusters/${cluster.id}`, { method: "DELETE" });
    await server.clusters.background.idle();
    expect(refusal(await worker.getMetadata())).toBe("403 wrong-machine");
  });
});

const someAllocation = "a-aaaaaaaaaaaaaaaa";
const claimWith = (token: string) => ({ token, body: { allocation: someAllocation, hardware: { macs: [otherMac] } } });
const reportWith = (token: string) => ({
  token,
  body: { allocation: someAllocation, sequence: 1, phase: "verify", state: "done" },
});
const uuid = (digit: string) => `${digit.repeat(8)}-1111-4111-8111-111111111111`;
