import { X509Certificate } from "node:crypto";
import { afterEach, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import type { MachineProvider } from "../../metadata-server/providers/provider.ts";
import { bringUp, createTestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, problemOf, type TestServer } from "../fixtures/test-server.ts";

let server: TestServer;
afterEach(() => server.close());

const sharing = (virtualAddresses: "planned" | "given") => (provider: MachineProvider) => ({
  ...provider,
  virtualAddresses,
  reserve: async (...request: Parameters<MachineProvider["reserve"]>) => ({
    ...(await provider.reserve(...request)),
    virtualAddress: "10.77.0.253",
  }),
});
const start = async (virtualAddresses?: "planned" | "given") => {
  server = await createTestServer(virtualAddresses && { provider: sharing(virtualAddresses) });
};
const body = { name: "build126", controlPlanes: 3, workers: 1, provider: "fake" };
const refusalOf = async (more: object) => {
  const answer = await server.request("/v1/clusters", { method: "POST", body: { ...body, ...more } });
  return problemOf(answer, "400 invalid-request").errors?.[0];
};

it("A virtual address that the provider plans is in metadata, certificates and kubeconfigs", async () => {
  await start("planned");
  const cluster: Cluster = await server.create({ ...body, nodes: undefined, virtualAddress: "auto" });
  const machine = createTestMachine(server, cluster, 1);
  expect(await machine.metadata()).toMatchObject({
    endpoint: "api.build126.sprout.internal:6443",
    virtualAddress: "10.77.0.253",
  });
  const credentials = await machine.claim();
  if (credentials.role !== "control-plane") throw new Error("a control plane's credentials are needed");
  expect(new X509Certificate(credentials.pki["apiserver.crt"]).checkIP("10.77.0.253")).toBe("10.77.0.253");
  await bringUp(server, cluster);
  const { text } = await server.request(`/v1/clusters/${cluster.id}/kubeconfig`);
  expect(text.match(/server: .*/g)?.[0]).toContain("https://10.77.0.253:6443");
});

it("A virtual address that is given is that of no machine, and lies outside of pods and services", async () => {
  await start("given");
  const cluster: Cluster = await server.create({ ...body, nodes: undefined, virtualAddress: "10.77.0.250" });
  expect(await createTestMachine(server, cluster, 3).metadata()).toMatchObject({ virtualAddress: "10.77.0.250" });
  expect(await refusalOf({ name: "pods", virtualAddress: "10.244.1.1" })).toMatchObject({
    pointer: "/network/podSubnet",
  });
  expect(await refusalOf({ name: "taken", virtualAddress: "10.77.0.11" })).toMatchObject({
    pointer: "/virtualAddress",
  });
});

it("A virtual address is refused where machines cannot have one, and next to an external endpoint", async () => {
  await start();
  expect(await refusalOf({ virtualAddress: "auto" })).toEqual({
    pointer: "/virtualAddress",
    detail: 'Expected no virtualAddress; machines of provider fake cannot move an address, got "auto"',
  });
  expect(await refusalOf({ virtualAddress: "10.77.0.250", controlPlaneEndpoint: "lb.example.com:6443" })).toEqual({
    pointer: "/virtualAddress",
    detail: "Expected either controlPlaneEndpoint or virtualAddress, got both",
  });
  await server.close();
  await start("planned");
  expect((await refusalOf({ virtualAddress: "10.77.0.250" }))?.detail).toContain(
    'Expected "auto"; provider fake plans',
  );
  await server.close();
  await start("given");
  expect((await refusalOf({ virtualAddress: "auto" }))?.detail).toContain("Expected an address; provider fake knows");
});
