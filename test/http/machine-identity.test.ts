import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type AssignedMachine,
  type BootSurface,
  capabilityIn,
  createAssignedMachine,
  createBootSurface,
  inspected,
  operator,
  toHex,
  uuid,
} from "../fixtures/boot-surface.ts";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { refusal, type TestServer } from "../fixtures/test-server.ts";
import { approveMachine } from "../../metadata-server/machines/approve-machine.ts";

const [own, elsewhere] = ["10.99.0.50", "10.99.0.66"];
const swapped = "44454c4c-5100-1030-8053-b6c04f4a4732";
let surface: BootSurface;
let server: TestServer;
let taken: AssignedMachine;
let worker: TestMachine;
beforeEach(async () => {
  surface = await createBootSurface();
  server = surface.server;
  taken = await createAssignedMachine(surface);
  worker = taken.worker;
  await createTestMachine(server, taken.cluster, 0).metadata();
});
afterEach(() => server.close());

const machine = () => surface.machine(worker.mac);
const machineAlerts = async () =>
  (await machine()).events.flatMap(({ type, message }) => (type === "alert" ? [message] : []));
const alerts = async () =>
  (await server.events(taken.cluster.id)).flatMap((event) => (event.type === "alert" ? [event.code] : []));
const boot = async () => capabilityIn(await surface.ipxe(taken.query)) ?? "";

describe("GET /ipxe without a UUID, of a machine whose UUID is on record", () => {
  it("gives no capability, uses up nothing, and raises an alert once with advice that fits", async () => {
    for (let time = 0; time < 3; time += 1) {
      const script = await surface.ipxe(`mac=${worker.mac}`, elsewhere);
      expect([capabilityIn(script), script.includes("has no UUID, not")]).toEqual([undefined, true]);
    }
    expect((await machine()).bootWindow?.issuedAt).toBeNull();
    expect(await machineAlerts()).toEqual([
      `A machine with MAC ${worker.mac} has no UUID, not ${uuid}; if its firmware no longer reports one, change its UUID: sprout machines set ${worker.mac} --uuid none`,
    ]);
    expect(await boot()).toHaveLength(43);
  });

  it("gives no wipe token", async () => {
    await release();
    expect(await surface.ipxe(`mac=${worker.mac}`)).not.toContain("sprout.do=wipe");
  });

  it("lets in a machine whose firmware never reported one", async () => {
    const mac = "52:54:00:bb:00:09";
    await surface.report("inspection", { ...inspected(mac), mac, uuid: "" });
    await approveMachine(server.clusters, { machineId: (await surface.machine(mac)).id, by: operator });
    expect(await surface.ipxe(`mac=${mac}`)).toContain("This machine is approved, and no cluster needs it now");
  });

  it.each([
    ["inspection", { ...inspected("52:54:00:bb:00:08"), cpus: "999" }],
    ["failure", { "message-hex": toHex("no disk") }],
  ])("accepts no claim of a report of %s", async (path, fields: Record<string, string | string[]>) => {
    const { hardware } = await machine();
    await surface.report(path, { mac: worker.mac, ...fields, uuid: [] });
    expect((await machine()).hardware).toEqual(hardware);
    expect((await machine()).events.filter(({ message }) => message.includes("no disk"))).toEqual([]);
    expect(await machineAlerts()).toHaveLength(1);
  });
});

describe("The node API, with a capability from a boot script", () => {
  const calls: [string, () => Promise<{ status: number; body: unknown }>][] = [
    ["metadata", () => worker.getMetadata()],
    ["a claim", () => worker.postClaim()],
    ["a confirmation", () => worker.postConfirm()],
    ["a report", () => worker.postReport({ phase: "metadata", state: "done" })],
  ];
  beforeEach(async () => {
    worker.token = await boot();
  });

  it.each(calls)("refuses %s from another address than it was given to, with an alert", async (_, call) => {
    worker.from = elsewhere;
    expect((await call()).status).toBe(403);
    expect(await alerts()).toEqual(["wrong-machine"]);
    expect((await server.clusters.store.member(taken.cluster.id, worker.name))?.bound).toBeNull();
  });

  it.each(calls.slice(0, 2))("refuses %s without the UUID on record", async (_, call) => {
    delete worker.hardware.uuid;
    expect((await call()).status).toBe(403);
    expect(await alerts()).toEqual(["wrong-machine"]);
  });

  it("accepts the UUID in the other byte order, and reports with the report token from anywhere", async () => {
    worker.hardware.uuid = swapped;
    await worker.metadata();
    await worker.claim();
    await worker.confirm();
    worker.from = elsewhere;
    expect((await worker.postReport({ phase: "network", state: "done" })).status).toBe(204);
  });
});

describe("The node API, of a machine with another cluster interface", () => {
  it("accepts its calls from another address", async () => {
    const clusterMac = "52:54:00:bb:00:02";
    await taken.assign({ macs: [worker.mac, clusterMac], clusterMac });
    worker.token = capabilityIn(await surface.ipxe(taken.query)) ?? "";
    worker.from = elsewhere;
    expect((await worker.getMetadata()).status).toBe(200);
  });
});

/** Its cluster is gone, and it was installed. */
async function release(): Promise<void> {
  const { name: member, allocation } = worker;
  const assignment = { clusterId: taken.cluster.id, member, allocation, install: true, installedAt: 1 };
  await taken.assign({ state: "released", assignment, bootWindow: null });
}
const wipeTokenIn = (script: string) => /sprout\.wipe-token=(\S{43}) /.exec(script)?.[1] ?? "";

describe("POST /machine-reports/wiped", () => {
  let token: string;
  beforeEach(async () => {
    await release();
    token = wipeTokenIn(await surface.ipxe(taken.query));
  });

  it.each([
    ["without the UUID", {}, own],
    ["with another UUID", { uuid: uuid.replace("4732", "4733") }, own],
    ["from another address", { uuid }, elsewhere],
  ])("refuses a report %s, with an alert, and the machine stays released", async (_, shown, from) => {
    const answer = await surface.report("wiped", { mac: worker.mac, token, ...shown }, from);
    expect(refusal(answer)).toBe("403 wrong-machine");
    expect([(await machine()).state, (await machineAlerts()).length]).toEqual(["released", 1]);
  });

  it.each([uuid, swapped])("frees the machine that shows the UUID %s from its own address", async (shown) => {
    expect((await surface.report("wiped", { mac: worker.mac, token, uuid: shown })).status).toBe(204);
    expect((await machine()).state).toBe("free");
  });
});

describe("GET /ipxe of a worker in memory whose machine was installed once", () => {
  beforeEach(async () => {
    await release();
    await surface.report("wiped", { mac: worker.mac, uuid, token: wipeTokenIn(await surface.ipxe(taken.query)) });
    await taken.assign();
  });

  it("wipes the disk again first, and then issues the capability in a new boot window", async () => {
    const script = await surface.ipxe(taken.query);
    expect([capabilityIn(script), script.includes("sprout.do=wipe")]).toEqual([undefined, true]);
    expect(script).toContain(" sprout.end=reboot ");
    const { text: explained } = await server.request(`/v1/machines/explain?mac=${worker.mac}`);
    expect(explained).toContain("It was installed once: it is wiped before it runs from memory");
    server.clock.advance(3_600_000);
    const answer = await surface.report("wiped", { mac: worker.mac, uuid, token: wipeTokenIn(script) });
    expect([answer.status, (await machine()).state]).toEqual([204, "assigned"]);
    expect(await boot()).toHaveLength(43);
  });

  it("boots without another wipe once that is done", async () => {
    const script = await surface.ipxe(taken.query);
    await surface.report("wiped", { mac: worker.mac, uuid, token: wipeTokenIn(script) });
    await taken.assign();
    expect(await boot()).toHaveLength(43);
  });
});
