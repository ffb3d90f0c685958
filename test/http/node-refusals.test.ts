import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { bringUp, createTestCluster, createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { problemOf, refusal, type TestServer } from "../fixtures/test-server.ts";

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

/** Sends a request and checks that nothing stored has changed. */
async function unchanged<T>(send: () => Promise<T>): Promise<T> {
  const before = await server.dump();
  const answer = await send();
  expect(await server.dump()).toEqual(before);
  return answer;
}

describe("The node API, with an unknown capability", () => {
  it.each([
    ["GET metadata", () => server.request(`/node/v1/metadata?mac=${otherMac}`, { token: "x".repeat(43) })],
    ["a token of another length", () => server.request(`/node/v1/metadata?mac=${otherMac}`, { token: "short" })],
    ["the API token", () => server.request(`/node/v1/metadata?mac=${otherMac}`)],
    ["POST claim", () => server.request("/node/v1/claim", claimWith("y".repeat(43)))],
    ["POST confirm", () => server.request("/node/v1/claim/confirm", claimWith("y".repeat(43)))],
    ["GET peers", () => server.request("/node/v1/peers", { token: "y".repeat(43) })],
    ["POST report", () => server.request("/node/v1/reports", reportWith("y".repeat(43)))],
  ])("refuses %s", async (_, send) => {
    expect(refusal(await unchanged(send))).toBe("403 wrong-machine");
  });

  it("gives the same answer as to another machine's capability", async () => {
    const unknown = await server.request(`/node/v1/metadata?mac=${otherMac}`, { token: "x".repeat(43) });
    const foreign = await worker.getMetadata(`mac=${otherMac}`);
    expect(foreign.text).toBe(unknown.text);
    expect(Object.fromEntries(foreign.headers)).toEqual(Object.fromEntries(unknown.headers));
  });

  it("gives another answer to a request without a capability", async () => {
    const answer = await unchanged(() => server.request(`/node/v1/metadata?mac=${otherMac}`, { token: null }));
    expect(refusal(answer)).toBe("401 unauthorized");
    expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  });
});

describe("The node API, with another machine's capability", () => {
  it("freezes the member, fails it and raises one alert, before and after the capability is bound", async () => {
    await worker.metadata();
    expect(refusal(await worker.getMetadata(`mac=${otherMac}`))).toBe("403 wrong-machine");
    expect(refusal(await worker.postClaim({ macs: [otherMac] }))).toBe("403 wrong-machine");
    expect(await alerts()).toMatchObject([
      {
        member: worker.name,
        code: "wrong-machine",
        message: `Another machine showed the capability of ${worker.name} (MAC ${otherMac})`,
      },
    ]);
    expect(await memberState(1)).toMatchObject({ state: "failed", failure: { phase: "metadata" } });
    expect(server.log.filter((line) => line.startsWith("Alert"))).toHaveLength(2);
  });

  it("gives nothing to any machine afterwards, not even to the right one", async () => {
    await worker.metadata();
    await worker.getMetadata(`mac=${otherMac}`);
    expect(refusal(await unchanged(() => worker.getMetadata()))).toBe("403 wrong-machine");
    expect(refusal(await unchanged(() => worker.postClaim()))).toBe("403 wrong-machine");
    expect(refusal(await unchanged(() => worker.postConfirm()))).toBe("403 wrong-machine");
    const report = { phase: "verify", state: "done" } as const;
    expect(refusal(await unchanged(() => worker.postReport(report)))).toBe("403 wrong-machine");
  });

  it("fails the cluster at once if it is the first control plane's capability", async () => {
    await first.getMetadata(`mac=${otherMac}`);
    expect(await server.cluster(cluster.id)).toMatchObject({
      state: "failed",
      failure: { message: `Another machine showed the capability of ${first.name} (MAC ${otherMac})` },
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

  it("treats a neighbour's capability as another machine's", async () => {
    const neighbour = createTestMachine(server, cluster, 2);
    expect(refusal(await neighbour.getMetadata(`mac=${worker.mac}`))).toBe("403 wrong-machine");
    await worker.metadata();
  });

  it("refuses the same MAC with another SMBIOS UUID", async () => {
    await worker.getMetadata(`mac=${worker.mac}&uuid=${uuid("1")}`);
    expect((await worker.getMetadata(`mac=${worker.mac}&uuid=${uuid("1")}`)).status).toBe(200);
    expect(refusal(await worker.getMetadata(`mac=${worker.mac}&uuid=${uuid("2")}`))).toBe("403 wrong-machine");
  });
});

describe("The node API, with a spent capability", () => {
  beforeEach(async () => {
    await worker.metadata();
    await worker.claim();
    await worker.confirm();
    worker.token = worker.capability;
  });

  it("refuses each claim and raises an alert for it", async () => {
    expect(refusal(await worker.postClaim())).toBe("409 already-claimed");
    expect(refusal(await worker.postClaim())).toBe("409 already-claimed");
    expect((await alerts()).map((alert) => alert.code)).toEqual(["already-claimed", "already-claimed"]);
    expect((await memberState(1))?.state).toBe("bootstrapping");
  });

  it("refuses metadata", async () => {
    expect(refusal(await worker.getMetadata())).toBe("409 already-claimed");
    expect(await alerts()).toHaveLength(1);
  });

  it("accepts reports of earlier steps, and no later ones", async () => {
    await worker.report("confirm", "started");
    server.clock.advance(5001);
    const report = { phase: "confirm", state: "done" } as const;
    expect(refusal(await worker.postReport(report))).toBe("409 already-claimed");
    expect(await alerts()).toHaveLength(1);
  });

  it("refuses a confirmation after the deadline", async () => {
    await first.metadata();
    server.clock.advance(180_000);
    expect(refusal(await worker.postConfirm())).toBe("409 already-claimed");
    expect(await alerts()).toHaveLength(1);
  });
});

describe("The node API, with a report token", () => {
  it("refuses metadata and credentials", async () => {
    const machines = await bringUp(server, cluster);
    const ready = machines[1]!;
    expect(refusal(await unchanged(() => ready.getMetadata()))).toBe("403 wrong-machine");
    expect(refusal(await unchanged(() => ready.postClaim()))).toBe("403 wrong-machine");
    expect(refusal(await unchanged(() => ready.postConfirm()))).toBe("403 wrong-machine");
  });
});

describe("The node API, with another allocation than the capability's", () => {
  it("refuses claim, confirmation and report", async () => {
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

describe("The node API, after the end of a cluster", () => {
  it("gives nothing to nodes of a failed cluster", async () => {
    await first.metadata();
    await first.report("static-pods", "failed", { error: "kubeadm: exit code 1" });
    const answer = await unchanged(() => worker.getMetadata());
    expect(problemOf(answer, "410 gone").detail).toBe("Cluster build126 is failed; no node can join it");
    expect(refusal(await unchanged(() => worker.postClaim()))).toBe("410 gone");
  });

  it("gives nothing after the cluster's deadline", async () => {
    await first.metadata();
    server.clock.advance(180_000);
    expect(refusal(await worker.getMetadata())).toBe("410 gone");
  });

  it("knows no capability of a deleted cluster", async () => {
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
