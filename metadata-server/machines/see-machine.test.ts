import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MachineSighting } from "#api/machine-sighting.ts";
import { createTestServer, type TestServer } from "../../test/fixtures/test-server.ts";
import { replaceApprovalRules } from "./approval-rules.ts";
import { approveMachine } from "./approve-machine.ts";
import { changeMachine } from "./change-machine.ts";
import { refuseMachine } from "./refuse-machine.ts";
import { seeMachine } from "./see-machine.ts";

let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const uuid = "4c4c4544-0051-3010-8053-b6c04f4a4732";
const by = { actor: "api", from: "192.0.2.1" };
const mac = (index: number) => `52:54:00:aa:${hex(Math.floor(index / 256))}:${hex(index % 256)}`;
const hex = (value: number) => value.toString(16).padStart(2, "0");

const see = (claims: Partial<MachineSighting> & { macs: string[] }, from = "10.99.0.50") =>
  seeMachine(server.clusters, { ...MachineSighting.parse({ macs: claims.macs }), ...claims, from });
const stored = async (id: string) => (await server.clusters.store.machine(id))!;
const timeline = async (id: string) => (await stored(id)).events.map(({ type, message }) => `${type}: ${message}`);
const all = () => server.clusters.store.machines({ limit: 5000 });

describe("seeMachine", () => {
  it("registers an unknown machine as seen, with what it claims", async () => {
    const { machine, decision } = await see({ macs: [mac(1)], uuid, serial: "A&B %0a", manufacturer: "Lab" });
    expect(decision).toEqual({ do: "wait", for: "approval" });
    expect(await stored(machine.id)).toMatchObject({
      id: expect.stringMatching(/^m-[a-z2-7]{16}$/),
      state: "seen",
      macs: [mac(1)],
      uuid,
      serial: "A&B %0a",
      manufacturer: "Lab",
      provisioningMac: mac(1),
      clusterMac: mac(1),
      firstSeenAt: server.clock.now(),
      lastSeenFrom: "10.99.0.50",
    });
    expect(await timeline(machine.id)).toEqual(["state: Seen for the first time, from 10.99.0.50"]);
  });

  it("writes nothing when a machine asks again, except the time every 30 seconds", async () => {
    const { machine } = await see({ macs: [mac(1)], uuid });
    for (let poll = 0; poll < 5; poll += 1) {
      server.clock.advance(5000);
      await see({ macs: [mac(1)], uuid });
    }
    expect((await stored(machine.id)).version).toBe(1);
    server.clock.advance(5000);
    await see({ macs: [mac(1)], uuid });
    expect(await stored(machine.id)).toMatchObject({ version: 2, lastSeenAt: server.clock.now() });
  });

  it("registers a machine once if 20 first requests come at the same time", async () => {
    const seen = await Promise.all(Array.from({ length: 20 }, () => see({ macs: [mac(1)], uuid })));
    expect(new Set(seen.map(({ machine }) => machine.id)).size).toBe(1);
    expect(await all()).toHaveLength(1);
  });

  it("accepts further claims before approval, and none after it", async () => {
    const { machine } = await see({ macs: [mac(1)] });
    await see({ macs: [mac(1), mac(2)], uuid, serial: "S1" });
    await approveMachine(server.clusters, { machineId: machine.id, by });
    await see({ macs: [mac(1), mac(3)], uuid, serial: "S2" });
    expect(await stored(machine.id)).toMatchObject({ state: "free", macs: [mac(1), mac(2)], uuid, serial: "S1" });
  });

  it("answers an approved machine that it waits for a cluster, and a refused one that it was refused", async () => {
    const { machine } = await see({ macs: [mac(1)] });
    await approveMachine(server.clusters, { machineId: machine.id, by });
    expect((await see({ macs: [mac(1)] })).decision).toEqual({ do: "wait", for: "assignment" });
    await refuseMachine(server.clusters, { machineId: machine.id, by });
    expect((await see({ macs: [mac(1)] })).decision).toEqual({
      do: "nothing",
      because: "This machine was refused; approve it to let it in",
    });
    expect(await timeline(machine.id)).toEqual([
      "state: Seen for the first time, from 10.99.0.50",
      "state: Approved by api: free",
      "state: Refused by api",
    ]);
  });

  it("distinguishes machines with one UUID by their MACs, and records one alert on both timelines", async () => {
    const one = await see({ macs: [mac(1)], uuid });
    const two = await see({ macs: [mac(2)], uuid });
    server.clock.advance(60_000);
    await see({ macs: [mac(2)], uuid });
    expect(two.machine.id).not.toBe(one.machine.id);
    expect(await timeline(one.machine.id)).toEqual([
      "state: Seen for the first time, from 10.99.0.50",
      `alert: Machine ${two.machine.id} (MAC ${mac(2)}) has the same UUID`,
    ]);
    expect(await timeline(two.machine.id)).toEqual([
      "state: Seen for the first time, from 10.99.0.50",
      `alert: Machine ${one.machine.id} has the same UUID ${uuid}; their MACs distinguish them`,
    ]);
    expect((await server.request("/metrics")).text).toContain('sprout_alerts_total{code="duplicate-uuid"} 1');
  });

  it("gives nothing to a machine with a known MAC and another UUID, and accepts none of its claims", async () => {
    const { machine } = await see({ macs: [mac(1)], uuid });
    await approveMachine(server.clusters, { machineId: machine.id, by });
    const before = await stored(machine.id);
    const other = uuid.replace("4c4c4544", "ffffffff");
    const because = `A machine with MAC ${mac(1)} has UUID ${other}, not ${uuid}; if its board was changed, change its UUID: sprout machines set ${mac(1)} --uuid ${other}`;
    for (let again = 0; again < 3; again += 1)
      expect((await see({ macs: [mac(1)], uuid: other }, "10.99.0.66")).decision).toEqual({ do: "nothing", because });
    const after = await stored(machine.id);
    expect(after).toEqual({ ...before, version: before.version + 1, events: after.events });
    expect((await timeline(machine.id)).at(-1)).toBe(`alert: ${because}`);
    await changeMachine(server.clusters, { machineId: machine.id, by, settings: { uuid: other } });
    expect((await see({ macs: [mac(1)], uuid: other })).decision).toEqual({ do: "wait", for: "assignment" });
  });

  it("keeps a MAC with its machine if another machine claims it too", async () => {
    const owner = await see({ macs: [mac(1)] });
    const { machine } = await see({ macs: [mac(2), mac(1)] });
    expect(machine.macs).toEqual([mac(2)]);
    expect((await timeline(machine.id)).at(-1)).toBe(
      `alert: It also claims MAC ${mac(1)} of machine ${owner.machine.id}`,
    );
    expect((await server.clusters.store.machineByMac(mac(1)))?.id).toBe(owner.machine.id);
  });

  it("approves a machine that fits a rule, even if it waited before, and gives it the rule's labels", async () => {
    const waiting = await see({ macs: [mac(1)], manufacturer: "Lab" });
    const other = await see({ macs: ["aa:00:00:00:00:01"], manufacturer: "Lab" });
    const rules = [{ serial: "none" }, { macPrefix: "52:54:00", manufacturer: "Lab", labels: { rack: "r1" } }];
    await replaceApprovalRules(server.clusters, { rules, by });
    expect((await see({ macs: [mac(1)], manufacturer: "Lab" })).decision).toEqual({ do: "wait", for: "assignment" });
    expect((await see({ macs: ["aa:00:00:00:00:01"] })).decision).toEqual({ do: "wait", for: "approval" });
    expect(await stored(waiting.machine.id)).toMatchObject({ state: "free", labels: { rack: "r1" } });
    expect((await timeline(waiting.machine.id)).at(-1)).toBe("state: Approved by rule 2: free");
    expect(await stored(other.machine.id)).toMatchObject({ state: "seen", labels: {} });
    const audit = await server.clusters.store.audit({ after: 0, limit: 10 });
    expect(audit.map(({ action, actor, detail }) => `${action} ${actor} ${detail}`)).toEqual([
      "approval-rules api 2 rules",
      `approve sprout machine ${waiting.machine.id} (MAC ${mac(1)}) by rule 2`,
    ]);
  });

  it("does not let a rule approve a machine that the operator refused", async () => {
    const { machine } = await see({ macs: [mac(1)] });
    await refuseMachine(server.clusters, { machineId: machine.id, by });
    await replaceApprovalRules(server.clusters, { rules: [{ macPrefix: "52" }], by });
    await see({ macs: [mac(1)] });
    expect((await stored(machine.id)).state).toBe("refused");
  });

  it("keeps every approved machine, and of the others the 1,000 that asked last", async () => {
    const kept = await see({ macs: [mac(0)] });
    await approveMachine(server.clusters, { machineId: kept.machine.id, by });
    for (let index = 1; index <= 1003; index += 1) {
      server.clock.advance(1);
      await see({ macs: [mac(index)] });
    }
    server.clock.advance(60_000);
    await see({ macs: [mac(4)] });
    await see({ macs: [mac(2000)] });
    expect(await server.clusters.store.countMachines("seen")).toBe(1000);
    const macs = new Set((await all()).flatMap((machine) => machine.macs));
    expect([0, 1, 2, 3, 4, 5, 6, 2000].filter((index) => macs.has(mac(index)))).toEqual([0, 4, 6, 2000]);
  });
});
