import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Explanation } from "#api/machine-explanation.ts";
import { MachineSighting } from "#api/machine-sighting.ts";
import { createTestServer, type TestServer } from "../../test/fixtures/test-server.ts";
import { replaceApprovalRules } from "./approval-rules.ts";
import { approveMachine } from "./approve-machine.ts";
import { seeMachine } from "./see-machine.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

/** As a controller shows it, and as iPXE reads it. */
const uuid = "2f6c1a90-7b3d-4e21-9a10-52540012aa01";
const swapped = "901a6c2f-3d7b-214e-9a10-52540012aa01";
const other = "901a6c2f-3d7b-214e-9a10-52540012aa02";
const [mac, secondMac] = ["52:54:00:aa:00:01", "52:54:00:aa:00:02"];
const by = { actor: "api", from: "192.0.2.1" };

const see = (claimed: string, boots = mac) =>
  seeMachine(server.clusters, { ...MachineSighting.parse({ macs: [boots] }), uuid: claimed, from: "10.99.0.50" });
const register = (registered: string) => server.request("/v1/machines", { body: { macs: [mac], uuid: registered } });
const alertsOf = async (id: string) =>
  (await server.clusters.store.machine(id))!.events.flatMap(({ type, message }) => (type === "alert" ? [message] : []));

describe("seeMachine of a UUID in the other byte order", () => {
  it("finds the machine as it was registered, keeps the first spelling, and raises no alert", async () => {
    await register(uuid);
    const { machine, decision } = await see(swapped);
    expect(decision).toEqual({ do: "wait", for: "assignment" });
    expect(await server.clusters.store.machine(machine.id)).toMatchObject({ state: "free", uuid });
    expect(await alertsOf(machine.id)).toEqual([]);
  });

  it("keeps the first spelling of a machine that waits, and lets it in after its approval", async () => {
    const { machine } = await see(uuid);
    await see(swapped);
    expect(await server.clusters.store.machine(machine.id)).toMatchObject({ state: "seen", uuid });
    await approveMachine(server.clusters, { machineId: machine.id, by });
    expect((await see(swapped)).decision).toEqual({ do: "wait", for: "assignment" });
    expect(await alertsOf(machine.id)).toEqual([]);
  });

  it("still gives nothing to a UUID that differs otherwise", async () => {
    await register(uuid);
    expect((await see(other)).decision).toMatchObject({ do: "nothing" });
  });

  it("approves by a rule in either order", async () => {
    await replaceApprovalRules(server.clusters, { rules: [{ uuid }], by });
    expect((await see(swapped)).machine.state).toBe("free");
  });

  it("warns of two machines with one UUID", async () => {
    const { machine } = await see(uuid);
    const { machine: second } = await see(swapped, secondMac);
    expect(await alertsOf(machine.id)).toEqual([`Machine ${second.id} (MAC ${secondMac}) has the same UUID`]);
    expect(await alertsOf(second.id)).toHaveLength(1);
  });
});

describe("GET /v1/machines/explain of a UUID in either byte order", () => {
  it.each([uuid, swapped, swapped.toUpperCase()])("finds the machine by %s", async (asked) => {
    await see(uuid);
    const { machines } = (await server.request(`/v1/machines/explain?uuid=${asked}`)).body as Explanation;
    expect(machines.map(({ machine }) => machine.uuid)).toEqual([uuid]);
  });

  it("finds machines that have it in different orders, each once", async () => {
    await see(uuid);
    await see(swapped, secondMac);
    const { machines } = (await server.request(`/v1/machines/explain?uuid=${uuid}`)).body as Explanation;
    expect(machines.map(({ machine }) => machine.provisioningMac)).toEqual(expect.arrayContaining([mac, secondMac]));
    expect(machines).toHaveLength(2);
  });
});
