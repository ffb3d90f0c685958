import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ControlPlaneCredentials } from "#api/credentials.ts";
import { createTestMachine } from "../../test/fixtures/test-machine.ts";
import { createTestServer, problemOf, type TestServer } from "../../test/fixtures/test-server.ts";

const manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: typha-planted-secret\n";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

describe("a cluster whose network manifest is given", () => {
  it("hands it to the first control plane alone, with what is secret", async () => {
    const network = { plugin: "manifest", manifest };
    const cluster = await server.create({ nodes: 4, highAvailability: true, network });
    const machines = cluster.members.map((_, index) => createTestMachine(server, cluster, index));
    const subnets = { podSubnet: "10.244.0.0/16", serviceSubnet: "10.96.0.0/12" };
    for (const machine of machines) {
      expect((await machine.metadata()).network).toEqual({ plugin: "manifest", ...subnets });
      const credentials = await machine.claim();
      expect((credentials as ControlPlaneCredentials).networkManifest).toBe(
        machine === machines[0] ? manifest : undefined,
      );
      expect(credentials.routeAgent).toBeUndefined();
    }
    const again = await server.restart();
    server = again;
    expect(await createTestMachine(again, cluster, 0).claim()).toMatchObject({ networkManifest: manifest });
  });

  it("keeps it sealed, and answers it to nobody else", async () => {
    const cluster = await server.create({ network: { plugin: "manifest", manifest } });
    expect(cluster.network.plugin).toBe("manifest");
    expect(JSON.stringify([await server.dump(), cluster, server.log])).not.toContain("planted-secret");
    const sealed = await server.clusters.store.secret({ clusterId: cluster.id, member: null });
    expect(Buffer.from(sealed ?? []).toString("latin1")).not.toContain("planted-secret");
  });

  it("still issues kubeconfigs: its authorities are kept as ever", async () => {
    const cluster = await server.create({ network: { plugin: "manifest", manifest } });
    const [first] = [createTestMachine(server, cluster, 0)];
    await first.metadata();
    await first.claim();
    await first.confirm();
    await first.report("verify", "done");
    const answer = await server.request(`/v1/clusters/${cluster.id}/kubeconfig`);
    expect([answer.status, answer.text.includes("client-certificate-data")]).toEqual([200, true]);
  });
});

describe("a cluster whose network manifest is baked", () => {
  it("names it in the document, and no claim carries one", async () => {
    const cluster = await server.create({ network: { plugin: "manifest", baked: "flannel.yaml" } });
    const first = createTestMachine(server, cluster, 0);
    expect((await first.metadata()).network).toMatchObject({ plugin: "manifest", baked: "flannel.yaml" });
    expect(await first.claim()).not.toHaveProperty("networkManifest");
  });
});

describe("the ports that a network manifest's plugin needs", () => {
  it("are told to every node", async () => {
    const ports = ["8472/udp", "4240/tcp"];
    const cluster = await server.create({ network: { plugin: "manifest", baked: "flannel.yaml", ports } });
    expect(cluster.network).toMatchObject({ ports });
    for (const index of [0, 1])
      expect((await createTestMachine(server, cluster, index).metadata()).network).toMatchObject({ ports });
  });
});

describe("POST /v1/clusters refuses a network", () => {
  it.each<[string, object, Record<string, string>]>([
    [
      "manifest without a manifest",
      { plugin: "manifest" },
      { "/network/manifest": "is required unless baked is given" },
    ],
    [
      "manifest with both",
      { plugin: "manifest", manifest, baked: "a.yaml" },
      { "/network/baked": "excludes manifest" },
    ],
    [
      "of routes with a manifest",
      { manifest, baked: "a.yaml" },
      {
        "/network/manifest": 'goes with plugin "manifest" only',
        "/network/baked": 'goes with plugin "manifest" only',
      },
    ],
    [
      "manifest whose text is broken",
      { plugin: "manifest", manifest: "a: [1, 2\nb: 3\n" },
      {
        "/network/manifest":
          "line 2, column 1: Flow sequence in block collection must be sufficiently indented and end with a ]",
      },
    ],
    [
      "manifest whose object has no name",
      { plugin: "manifest", manifest: "apiVersion: v1\nkind: Secret\n" },
      { "/network/manifest": "line 1, column 1: lacks metadata.name" },
    ],
    ["of routes with ports", { ports: ["8472/udp"] }, { "/network/ports": 'goes with plugin "manifest" only' }],
    [
      "manifest with what is no port",
      { plugin: "manifest", baked: "a.yaml", ports: ["8472", "0/udp", "65536/tcp"] },
      {
        "/network/ports/0": "must be a port and its protocol such as 8472/udp",
        "/network/ports/1": "must be a port and its protocol such as 8472/udp",
        "/network/ports/2": "must be a port of at most 65535",
      },
    ],
    [
      "manifest baked outside of its folder",
      { plugin: "manifest", baked: "../../../etc/shadow" },
      { "/network/baked": "must be a file name such as flannel.yaml" },
    ],
  ])("%s", async (_title, network, fields) => {
    const before = await server.dump();
    const answer = await server.request("/v1/clusters", { body: { nodes: 1, provider: "fake", network } });
    const problem = problemOf(answer, "400 invalid-request");
    expect(Object.fromEntries(problem.errors?.map(({ pointer, detail }) => [pointer, detail]) ?? [])).toEqual(fields);
    expect(await server.dump()).toEqual(before);
  });
});
