import { X509Certificate } from "node:crypto";
import { afterEach, beforeEach, expect, it } from "vitest";
import { parse } from "yaml";
import type { Cluster } from "#api/cluster.ts";
import { bringUp, createTestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
let cluster: Cluster;

beforeEach(async () => {
  server = await createTestServer();
  const controlPlaneEndpoint = "lb.example.com:6443";
  cluster = await server.create({ nodes: undefined, controlPlanes: 3, workers: 1, controlPlaneEndpoint });
});
afterEach(() => server.close());

it("An external endpoint is in every node's metadata, and the API server's certificate is valid for it", async () => {
  expect(cluster.endpoint).toBe("lb.example.com:6443");
  const machines = cluster.members.map((_, index) => createTestMachine(server, cluster, index));
  for (const machine of machines)
    expect(await machine.metadata()).toMatchObject({ endpoint: "lb.example.com:6443", hasExternalEndpoint: true });
  const credentials = await machines[1]!.claim();
  if (credentials.role !== "control-plane") throw new Error("a control plane's credentials are needed");
  expect(new X509Certificate(credentials.pki["apiserver.crt"]).checkHost("lb.example.com")).toBe("lb.example.com");
});

it("An external endpoint is a kubeconfig's first context, and each control plane a further one", async () => {
  await bringUp(server, cluster);
  const { text } = await server.request(`/v1/clusters/${cluster.id}/kubeconfig`);
  const { clusters, ...kubeconfig } = parse(text) as {
    "current-context": string;
    clusters: { name: string; cluster: { server: string } }[];
  };
  expect(kubeconfig["current-context"]).toBe("sprout-api@build126");
  expect(clusters.map(({ name, cluster: { server: url } }) => `${name} ${url}`)).toEqual([
    "build126 https://lb.example.com:6443",
    "build126-cp01 https://10.77.0.11:6443",
    "build126-cp02 https://10.77.0.12:6443",
    "build126-cp03 https://10.77.0.13:6443",
  ]);
});

it("A single control plane gets peers behind an external endpoint", async () => {
  await server.close();
  server = await createTestServer();
  cluster = await server.create({ controlPlaneEndpoint: "lb.example.com:6443" });
  await bringUp(server, cluster);
  const path = `/v1/clusters/${cluster.id}/members`;
  expect((await server.request(path, { method: "POST", body: { controlPlanes: 2 } })).status).toBe(202);
});

it("Nodes that are attached have names in the cluster's domain, not in that of an external endpoint", async () => {
  await bringUp(server, cluster);
  const answer = await server.request(`/v1/clusters/${cluster.id}/members`, { method: "POST", body: { workers: 1 } });
  expect((answer.body as Cluster).members.at(-1)?.name).toBe("node02.build126.sprout.internal");
});
