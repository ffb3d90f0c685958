import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { ControlPlaneCredentials } from "#api/credentials.ts";
import { createTestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, problemOf, type TestServer } from "../fixtures/test-server.ts";

const manifest = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: typha-planted-secret\n";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const port = (got: string) => `Expected a port from 1 to 65535 and its protocol, such as 8472/udp, got "${got}"`;

describe("A cluster with a network manifest in its request", () => {
  it("gives the manifest to the first control plane only, with its credentials", async () => {
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
      // For the load balancers of its workers.
      expect(credentials.networkAgent).toBeDefined();
    }
    const again = await server.restart();
    server = again;
    expect(await createTestMachine(again, cluster, 0).claim()).toMatchObject({ networkManifest: manifest });
  });

  it("gives a List within a List as kubectl can apply it", async () => {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "a" } };
    const nested = { kind: "List", items: [{ kind: "List", items: [secret] }] };
    const cluster = await server.create({ network: { plugin: "manifest", manifest: JSON.stringify(nested) } });
    const first = createTestMachine(server, cluster, 0);
    await first.metadata();
    const { networkManifest = "" } = (await first.claim()) as ControlPlaneCredentials;
    expect(parse(networkManifest)).toEqual({ kind: "List", items: [secret] });
  });

  it("stores the manifest sealed, and returns it in no answer", async () => {
    const cluster = await server.create({ network: { plugin: "manifest", manifest } });
    expect(cluster.network.plugin).toBe("manifest");
    expect(JSON.stringify([await server.dump(), cluster, server.log])).not.toContain("planted-secret");
    const sealed = await server.clusters.store.secret({ clusterId: cluster.id, member: null });
    expect(Buffer.from(sealed ?? []).toString("latin1")).not.toContain("planted-secret");
  });

  it("still issues kubeconfigs, because it keeps its authorities", async () => {
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

describe("A cluster with a baked network manifest", () => {
  it("names the manifest in the document, and sends none with a claim", async () => {
    const cluster = await server.create({ network: { plugin: "manifest", baked: "flannel.yaml" } });
    const first = createTestMachine(server, cluster, 0);
    expect((await first.metadata()).network).toMatchObject({ plugin: "manifest", baked: "flannel.yaml" });
    expect(await first.claim()).not.toHaveProperty("networkManifest");
  });
});

describe("The ports of a network manifest's plugin", () => {
  it("reach every node in its document", async () => {
    const ports = ["8472/udp", "4240/tcp"];
    const cluster = await server.create({ network: { plugin: "manifest", baked: "flannel.yaml", ports } });
    expect(cluster.network).toMatchObject({ ports });
    for (const index of [0, 1])
      expect((await createTestMachine(server, cluster, index).metadata()).network).toMatchObject({ ports });
  });
});

describe("POST /v1/clusters with a network", () => {
  it.each<[string, object, Record<string, string>]>([
    [
      "of plugin manifest without a manifest",
      { plugin: "manifest" },
      { "/network/manifest": "Expected manifest or baked, got nothing" },
    ],
    [
      "of plugin manifest with two manifests",
      { plugin: "manifest", manifest, baked: "a.yaml" },
      { "/network/baked": "Expected manifest or baked, got both" },
    ],
    [
      "of plugin routes with a manifest",
      { manifest, baked: "a.yaml" },
      {
        "/network/manifest": 'Expected manifest only with plugin "manifest"',
        "/network/baked": 'Expected baked only with plugin "manifest", got nothing',
      },
    ],
    [
      "with a malformed manifest",
      { plugin: "manifest", manifest: "a: [1, 2\nb: 3\n" },
      {
        "/network/manifest":
          "Expected YAML at line 2, column 1: Flow sequence in block collection must be sufficiently indented and end with a ]",
      },
    ],
    [
      "with a manifest whose object has no name",
      { plugin: "manifest", manifest: "apiVersion: v1\nkind: Secret\n" },
      { "/network/manifest": "Expected metadata.name at line 1, column 1" },
    ],
    [
      "with a List whose item has no kind",
      {
        plugin: "manifest",
        manifest: "kind: List\nmetadata: {name: a}\nitems:\n- apiVersion: v1\n  metadata: {name: a}\n",
      },
      { "/network/manifest": "Expected kind at line 4, column 3" },
    ],
    ...[`# ${"ü".repeat(64 * 1024)}`, "a: 1\n".repeat(32 * 1024)].map(
      (tooLarge): [string, object, Record<string, string>] => [
        `with a manifest of ${Buffer.byteLength(tooLarge)} bytes, and names the way out`,
        { plugin: "manifest", manifest: tooLarge },
        {
          "/network/manifest": "Expected at most 131072 bytes; bake a larger manifest into the image (--network-baked)",
        },
      ],
    ),
    [
      "of routes with ports",
      { ports: ["8472/udp"] },
      { "/network/ports": 'Expected ports only with plugin "manifest", got nothing' },
    ],
    [
      "with malformed ports",
      { plugin: "manifest", baked: "a.yaml", ports: ["8472", "0/udp", "65536/tcp"] },
      {
        "/network/ports/0": port("8472"),
        "/network/ports/1": port("0/udp"),
        "/network/ports/2": port("65536/tcp"),
      },
    ],
    [
      "with a baked manifest outside its folder",
      { plugin: "manifest", baked: "../../../etc/shadow" },
      {
        "/network/baked":
          'Expected a file name of at most 63 characters, such as flannel.yaml, got "../../../etc/shadow"',
      },
    ],
  ])("refuses a network %s", async (_title, network, fields) => {
    const before = await server.dump();
    const answer = await server.request("/v1/clusters", { body: { nodes: 1, provider: "fake", network } });
    const problem = problemOf(answer, "400 invalid-request");
    expect(Object.fromEntries(problem.errors?.map(({ pointer, detail }) => [pointer, detail]) ?? [])).toEqual(fields);
    expect(await server.dump()).toEqual(before);
  });
});
