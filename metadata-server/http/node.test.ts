import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { Cluster } from "#api/cluster.ts";
import { bringUp, createTestCluster, createTestMachine, type TestMachine } from "../../test/fixtures/test-machine.ts";
import { refusal, type TestServer } from "../../test/fixtures/test-server.ts";

let server: TestServer;
let cluster: Cluster;
let first: TestMachine;
let worker: TestMachine;

beforeEach(async () => {
  ({ server, cluster, first, worker } = await createTestCluster());
});
afterEach(() => server.close());

describe("GET /node/v1/metadata", () => {
  it("gives the first control plane its whole document, with every peer", async () => {
    const { neighbours = [], ...document } = await first.metadata();
    expect(document).toEqual({
      allocation: first.allocation,
      cluster: { id: cluster.id, name: "build126", kubernetesVersion: defaultKubernetesVersion },
      self: {
        name: "cp01.build126.sprout.internal",
        role: "control-plane",
        address: "10.77.0.11",
        podCidr: "10.244.0.0/24",
      },
      endpoint: "api.build126.sprout.internal:6443",
      controlPlanes: [{ name: "cp01.build126.sprout.internal", address: "10.77.0.11" }],
      network: { plugin: "routes", podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/12" },
      join: "certificate",
      deadlineSeconds: 180,
      peers: ["cp01.build126.sprout.internal", "node01.build126.sprout.internal", "node02.build126.sprout.internal"],
    });
    expect(neighbours.toSorted((one, other) => one.name.localeCompare(other.name))).toEqual([
      { name: "node01.build126.sprout.internal", address: "10.77.0.12" },
      { name: "node02.build126.sprout.internal", address: "10.77.0.13" },
    ]);
  });

  it("names at most three other workers as neighbours, the same ones every time", async () => {
    const large = await server.create({ name: "large", nodes: 12 });
    for (const index of [0, 1, 11]) {
      const machine = createTestMachine(server, large, index);
      const { neighbours = [] } = await machine.metadata();
      expect(neighbours).toHaveLength(3);
      expect(neighbours.every(({ name }) => name.startsWith("node") && name !== machine.name)).toBe(true);
      expect((await machine.metadata()).neighbours).toEqual(neighbours);
    }
  });

  it("gives a worker a document that does not grow with the cluster, and forbids caching", async () => {
    const document = await worker.metadata();
    expect(document.peers).toBeUndefined();
    expect(document.self).toMatchObject({ name: "node01.build126.sprout.internal", podCidr: "10.244.1.0/24" });
    expect((await worker.getMetadata()).headers.get("cache-control")).toBe("no-store");
  });

  it("gives every node the plain HTTP port, if there is one, so that it can block its pods", async () => {
    expect(await worker.metadata()).not.toHaveProperty("plainHttpPort");
    server.clusters.plainHttpPort = 8080;
    for (const machine of [first, worker]) expect(await machine.metadata()).toMatchObject({ plainHttpPort: 8080 });
  });

  it("gives every node each address and port of the server, so that it can block its pods", async () => {
    expect(await worker.metadata()).not.toHaveProperty("listeners");
    const listeners = [
      { address: "192.0.2.10", port: 8443 },
      { address: "192.0.2.11", port: 8080 },
    ];
    server.clusters.listeners = listeners;
    for (const machine of [first, worker]) expect(await machine.metadata()).toMatchObject({ listeners });
  });

  it("gives workers the join mode, and control planes ready-made certificates", async () => {
    const joining = await server.create({ name: "joining", join: "kubeadm" });
    const [controlPlane, node] = [createTestMachine(server, joining, 0), createTestMachine(server, joining, 1)];
    expect([(await controlPlane.metadata()).join, (await node.metadata()).join]).toEqual(["certificate", "kubeadm"]);
    expect(await node.claim()).toMatchObject({ role: "worker", join: "kubeadm" });
    expect(await controlPlane.claim()).toMatchObject({ kubelet: { client: {} } });
    expect(await worker.claim()).toMatchObject({ role: "worker", join: "certificate", kubelet: { client: {} } });
  });

  it("starts the cluster's deadline with the first control plane's first answer", async () => {
    await worker.metadata();
    expect(await server.cluster(cluster.id)).toMatchObject({ state: "provisioning", deadlineAt: null });
    await first.metadata();
    expect(await server.cluster(cluster.id)).toMatchObject({
      state: "bootstrapping",
      deadlineAt: "2026-01-02T03:07:05.000Z",
    });
    server.clock.advance(60_000);
    expect((await worker.metadata()).deadlineSeconds).toBe(120);
    expect((await first.metadata()).deadlineSeconds).toBe(120);
  });

  it("binds the capability to the machine and records its first contact once", async () => {
    await worker.metadata();
    const before = await server.dump();
    server.clock.advance(5000);
    await worker.metadata();
    expect(await server.dump()).toEqual(before);
    expect((await server.cluster(cluster.id)).members[1]).toMatchObject({
      state: "bootstrapping",
      firstContactAt: "2026-01-02T03:04:05.000Z",
    });
  });
});

describe("POST /node/v1/claim", () => {
  it("gives the bound machine the same credentials until it confirms, counting each time", async () => {
    await worker.metadata();
    const credentials = await worker.claim();
    expect(credentials).toMatchObject({ role: "worker", allocation: worker.allocation });
    expect(await worker.claim()).toEqual(credentials);
    const member = await server.clusters.store.member(cluster.id, worker.name);
    expect(member?.claims).toBe(2);
  });

  it("gives authorities' keys to control planes only", async () => {
    const controlPlane = await first.claim();
    expect(Object.keys(controlPlane.pki)).toHaveLength(22);
    expect(Object.keys((await worker.claim()).pki)).toEqual(["ca.crt"]);
  });

  it("keeps nothing readable in the store", async () => {
    const sealed = await server.clusters.store.secret({ clusterId: cluster.id, member: worker.name });
    expect(Buffer.from(sealed!).toString("latin1")).not.toContain("PRIVATE KEY");
    expect(JSON.stringify(await server.dump())).not.toContain(worker.capability);
  });
});

describe("POST /node/v1/claim/confirm", () => {
  it("destroys the node's keys, revokes the capability and issues a report token", async () => {
    await worker.metadata();
    await worker.claim();
    await worker.confirm();
    expect(await server.clusters.store.secret({ clusterId: cluster.id, member: worker.name })).toBeUndefined();
    const record = await server.clusters.store.member(cluster.id, worker.name);
    expect(record).toMatchObject({ capabilityHash: null, confirmedAt: server.clock.now() });
    await worker.report("render", "done");
  });

  it("answers the bound machine again within the deadline, with a new token and without credentials", async () => {
    await worker.claim();
    const lost = await worker.confirm();
    worker.token = worker.capability;
    const token = await worker.confirm();
    expect(token).not.toBe(lost);
    await worker.report("render", "done");
    worker.token = worker.capability;
    expect(refusal(await worker.postClaim())).toBe("409 already-claimed");
    worker.token = lost;
    expect(refusal(await worker.postReport({ phase: "render", state: "done" }))).toBe("403 wrong-machine");
  });

  it("refuses a repeated confirmation once the cluster is ready", async () => {
    const machines = await bringUp(server, cluster);
    machines[1]!.token = machines[1]!.capability;
    expect(refusal(await machines[1]!.postConfirm())).toBe("409 already-claimed");
  });

  it("refuses to confirm credentials that were not claimed", async () => {
    await worker.metadata();
    const before = await server.dump();
    expect(refusal(await worker.postConfirm())).toBe("409 not-ready");
    expect(await server.dump()).toEqual(before);
  });
});

describe("GET /node/v1/peers", () => {
  it("gives the first control plane each peer's last phase and its age", async () => {
    await first.metadata();
    await worker.metadata();
    await worker.report("kubelet", "started");
    server.clock.advance(12_000);
    expect((await server.request("/node/v1/peers", { token: first.token })).body).toEqual({
      peers: [
        { name: first.name, lastPhase: "metadata", lastReportAgoMs: 12_000 },
        { name: worker.name, lastPhase: "kubelet", lastReportAgoMs: 12_000 },
        { name: "node02.build126.sprout.internal", lastPhase: "none", lastReportAgoMs: null },
      ],
    });
  });

  it("accepts the report token, too, and refuses workers", async () => {
    const machines = await bringUp(server, cluster);
    expect((await server.request("/node/v1/peers", { token: machines[0]!.token })).status).toBe(200);
    expect(refusal(await server.request("/node/v1/peers", { token: machines[1]!.token }))).toBe("403 wrong-machine");
  });
});
