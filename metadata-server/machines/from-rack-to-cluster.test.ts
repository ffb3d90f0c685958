import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { Cluster } from "#api/cluster.ts";
import type { Machine } from "#api/machine.ts";
import { MachineSighting } from "#api/machine-sighting.ts";
import { createFakePower, type FakePower } from "../../test/fakes/fake-power.ts";
import { createTestServer, problemOf, refusal, type TestServer } from "../../test/fixtures/test-server.ts";
import { createBareMetalProvider } from "./bare-metal-provider.ts";
import { reconcile } from "../clusters/reconcile.ts";
import { seeMachine } from "./see-machine.ts";

let server: TestServer;
let power: FakePower;
beforeEach(async () => {
  power = createFakePower();
  server = await createTestServer({
    furtherProviders: (deps) => [
      createBareMetalProvider({
        ...deps,
        listImages: async () => [{ kubernetesVersion: defaultKubernetesVersion }],
        serverUrl: "https://192.0.2.1:8443",
        openPowerDriver: power.open,
      }),
    ],
  });
});
afterEach(() => server.close());

const mac = (index: number) => `52:54:00:aa:00:0${index}`;
const disk = { cpus: 4, memoryMiB: 8192, disks: [{ name: "vda", sizeGiB: 20 }], nics: [] };

/** A simulated machine asks for its boot script. */
const see = (index: number) =>
  seeMachine(server.clusters, { ...MachineSighting.parse({ macs: [mac(index)] }), hardware: disk, from: "10.99.0.50" });
async function letIn(index: number): Promise<string> {
  const { id } = (await see(index)).machine;
  await server.request(`/v1/machines/${id}/approve`, { method: "POST" });
  await server.request(`/v1/machines/${id}`, {
    method: "PATCH",
    body: { power: { driver: "redfish", url: "https://bmc/" } },
  });
  return id;
}
const machine = async (id: string) => (await server.request(`/v1/machines/${id}`)).body as Machine;
const post = (body: Record<string, unknown>) =>
  server.request("/v1/clusters", { body: { name: "rack", provider: "bare-metal", ...body } });

describe("POST /v1/clusters with provider bare-metal, simulated machines", () => {
  it("takes approved machines, boots them, and frees them when the cluster is deleted", async () => {
    const ids = [await letIn(1), await letIn(2)];
    const created = (await post({ nodes: 2 })).body as Cluster;
    await server.clusters.background.idle();
    expect(power.running).toEqual(new Set([mac(1), mac(2)]));
    const assigned = await Promise.all(ids.map(machine));
    expect(assigned.map(({ state, assignment }) => `${state} ${assignment?.clusterId}`)).toEqual(
      ids.map(() => `assigned ${created.id}`),
    );
    expect(new Set(assigned.map(({ assignment }) => assignment?.member))).toEqual(
      new Set(created.members.map(({ name }) => name)),
    );
    const worker = assigned.find(({ assignment }) => assignment?.install === false)!;
    const { decision } = await see(worker.provisioningMac === mac(1) ? 1 : 2);
    expect(decision).toEqual({ do: "boot", from: "network", install: false, isWindowOpen: true });
    server.clock.advance(15 * 60_000);
    expect(await see(worker.provisioningMac === mac(1) ? 1 : 2)).toMatchObject({ decision: { isWindowOpen: false } });
    await server.request(`/v1/machines/${worker.id}/approve`, { method: "POST" });
    expect(await see(worker.provisioningMac === mac(1) ? 1 : 2)).toMatchObject({ decision: { isWindowOpen: true } });
    for (const verb of ["refuse", "release"])
      expect(refusal(await server.request(`/v1/machines/${worker.id}/${verb}`, { method: "POST" }))).toBe(
        "409 wrong-state",
      );
    expect(refusal(await server.request(`/v1/machines/${worker.id}`, { method: "DELETE" }))).toBe("409 wrong-state");

    await server.request(`/v1/clusters/${created.id}`, { method: "DELETE" });
    await server.clusters.background.idle();
    expect((await server.request(`/v1/clusters/${created.id}`)).body).toMatchObject({ state: "deleted" });
    expect((await machine(worker.id)).state).toBe("free");
    const installed = ids.find((id) => id !== worker.id)!;
    expect(await machine(installed)).toMatchObject({ state: "released", assignment: { install: true } });
    const { provisioningMac } = await machine(installed);
    expect(power.running).toEqual(new Set([provisioningMac]));
    expect((await see(provisioningMac === mac(1) ? 1 : 2)).decision).toEqual({ do: "wipe" });
    await server.request(`/v1/machines/${installed}/release`, { method: "POST" });
    expect(await machine(installed)).toMatchObject({ state: "free", assignment: null });
  });

  it("answers which requirement is not met, and creates no cluster", async () => {
    await letIn(1);
    const problem = problemOf(
      await post({ nodes: 1, machines: { controlPlanes: { minCpus: 64 } } }),
      "503 no-capacity",
    );
    expect(problem).toMatchObject({
      detail: "Provider bare-metal cannot take machines: 1 machines are needed, 1 are free",
      errors: [
        { pointer: "/machines/controlPlanes/minCpus", detail: "Expected 1 free machines with 64 CPUs, got 0 of 1" },
      ],
    });
    expect((await server.dump()).clusters).toEqual([]);
  });

  it("refuses machine requirements with a provider that creates machines", async () => {
    const answer = await post({ nodes: 1, provider: "fake", machines: { workers: { minCpus: 1 } } });
    expect(problemOf(answer, "400 invalid-request").errors).toEqual([
      { pointer: "/machines", detail: 'Expected machines only with provider "bare-metal", got "fake"' },
    ]);
  });

  it("frees the machines if the cluster's name is taken", async () => {
    const id = await letIn(1);
    await server.create({ name: "rack" });
    expect(refusal(await post({ nodes: 1 }))).toBe("409 name-taken");
    expect((await machine(id)).state).toBe("free");
  });

  it("keeps the machines of clusters when the server restarts, and frees the others", async () => {
    const [kept, stray] = [await letIn(1), await letIn(2)];
    await post({ nodes: 1 });
    await server.clusters.background.idle();
    const taken = (await machine(kept)).state === "assigned" ? kept : stray;
    const other = taken === kept ? stray : kept;
    const record = (await server.clusters.store.machine(other))!;
    const assignment = {
      clusterId: "c-zzzzzzzzzzzzzzzz",
      member: "n",
      allocation: "a-z",
      install: false,
      installedAt: null,
    };
    await server.clusters.store.commit({ machines: [{ ...record, state: "assigned", assignment }] });
    server = await server.restart();
    await reconcile(server.clusters);
    await server.clusters.background.idle();
    expect((await machine(taken)).state).toBe("assigned");
    expect((await machine(other)).state).toBe("free");
    expect(power.running.size).toBe(1);
  });
});
