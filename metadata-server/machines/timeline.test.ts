import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type BootSurface,
  createBootSurface,
  inspected,
  operator,
  toHex,
  uuid,
} from "../../test/fixtures/boot-surface.ts";
import { changeMachine } from "./change-machine.ts";
import { approveMachine } from "./approve-machine.ts";
import { findMachine } from "./queries.ts";
import { boundTimeline } from "./timeline.ts";

const mac = "52:54:00:bb:00:01";
const query = `mac=${mac}&uuid=${uuid}`;
const otherUuid = (index: number) => `4c4c4544-0051-3010-8053-${String(index).padStart(12, "0")}`;
let surface: BootSurface;
let machineId: string;
/** A machine with an operator's entries and an alert on its timeline. */
beforeEach(async () => {
  surface = await createBootSurface();
  await surface.report("inspection", { mac, ...inspected(mac) });
  machineId = (await surface.machine(mac)).id;
  await approveMachine(surface.server.clusters, { machineId, by: operator });
  await change("r1");
  await surface.ipxe(`mac=${mac}&uuid=${otherUuid(9999)}`);
});
afterEach(() => surface.server.close());

const messages = async () => (await surface.machine(mac)).events.map(({ message }) => message);
const fail = (index: number) =>
  surface.report("failure", { mac, uuid, "message-hex": toHex(`disk ${index} is missing`) });
/** What the store has of the timelines of these machines: each claim's kind and the first words of its entry. */
const claims = async (...macs: string[]) =>
  (await Promise.all(macs.map((each) => surface.machine(each)))).map(({ events }) =>
    events.flatMap(({ claim, message }) => (claim ? [`${claim}: ${message.split(" ").slice(0, 4).join(" ")}`] : [])),
  );
const change = (rack: string) =>
  changeMachine(surface.server.clusters, { machineId, by: operator, settings: { labels: { rack } } });

describe("The timeline of a machine in the inventory", () => {
  it("keeps alerts and operators' entries when 120 different failures are reported, and the last 20 of these", async () => {
    const before = await messages();
    for (let index = 0; index < 120; index += 1) await fail(index);
    const failures = Array.from(
      { length: 20 },
      (_, index) => `Says that it cannot boot: disk ${100 + index} is missing`,
    );
    expect(await messages()).toEqual([...before, ...failures]);
  });

  it("keeps 100 other entries besides", async () => {
    for (let index = 0; index < 25; index += 1) await fail(index);
    for (let index = 0; index < 120; index += 1) await change(`r${index}`);
    const changes = (await messages()).filter((message) => message === "Changed by api: labels");
    expect([changes.length, (await messages()).length]).toEqual([100, 100 + 20 + 1]);
  });

  it("keeps operators' entries when another machine claims its MAC with ever new UUIDs", async () => {
    const before = (await messages()).filter((message) => message.includes("api"));
    for (let index = 0; index < 120; index += 1) await surface.ipxe(`mac=${mac}&uuid=${otherUuid(index)}`);
    expect(before).toHaveLength(2);
    expect(await messages()).toEqual(expect.arrayContaining(before));
    await surface.ipxe(query);
  });

  it("keeps operators' entries when ever new machines claim its UUID", async () => {
    for (let index = 10; index < 99; index += 1) await surface.ipxe(`mac=52:54:00:cc:00:${index}&uuid=${uuid}`);
    expect((await messages()).filter((message) => message.includes("has the same UUID")).length).toBeLessThanOrEqual(
      20,
    );
  });

  it("records an order to wipe once while it is repeated", async () => {
    await surface.bake("root.squashfs");
    const assignment = { clusterId: "c-1", member: "n", allocation: "a-1", install: true, installedAt: 1 };
    const machine = await surface.machine(mac);
    await surface.server.clusters.store.commit({ machines: [{ ...machine, state: "released", assignment }] });
    for (let time = 0; time < 5; time += 1) expect(await surface.ipxe(query)).toContain("sprout.do=wipe");
    expect((await messages()).filter((message) => message === "Ordered to wipe its disk")).toHaveLength(1);
  });

  it("stores with each claim of which kind it is, and with what operators did that it is none", async () => {
    const [newcomer, thief] = ["52:54:00:cc:00:01", "52:54:00:cc:00:02"];
    await fail(1);
    await surface.ipxe(`mac=${newcomer}&uuid=${uuid}`);
    await surface.ipxe(`mac=${thief}&nic=${mac}`);
    expect(await claims(mac, newcomer, thief)).toEqual([
      [
        "uuid-mismatch: A machine with MAC",
        "boot-failure: Says that it cannot",
        expect.stringMatching(/^duplicate-uuid: Machine m-\w+ \(MAC 52:54/),
      ],
      [expect.stringMatching(/^duplicate-uuid: Machine m-\w+ has the/)],
      ["duplicate-mac: It also claims MAC"],
    ]);
  });

  it("stores an order to inspect, a wipe order and a report of another address as claims, too", async () => {
    await surface.bake("root.squashfs");
    expect(await surface.ipxe("mac=52:54:00:cc:00:01")).toContain("sprout.do=inspect");
    const assignment = { clusterId: "c-1", member: "n", allocation: "a-1", install: true, installedAt: 1 };
    const machine = await surface.machine(mac);
    await surface.server.clusters.store.commit({ machines: [{ ...machine, state: "released", assignment }] });
    const token = /sprout\.wipe-token=(\S{43}) /.exec(await surface.ipxe(query))?.[1] ?? "";
    await surface.report("wiped", { mac, uuid, token }, "10.99.0.66");
    expect(await claims("52:54:00:cc:00:01", mac)).toEqual([
      ["inspection-order: Asked to inspect its"],
      ["uuid-mismatch: A machine with MAC", "wipe-order: Ordered to wipe its", "wrong-machine: A machine with MAC"],
    ]);
  });

  it("hides the kinds of claims from callers", async () => {
    const { body } = await surface.server.request(`/v1/machines/${machineId}`);
    const stored = await findMachine(surface.server.clusters, machineId);
    expect(stored.events.filter(({ claim }) => claim !== undefined)).toHaveLength(1);
    expect((body as { events: object[] }).events).toEqual(
      stored.events.map(({ at, type, message }) => ({ at, type, message })),
    );
  });
});

const entries = (count: number, fields: object = {}) =>
  Array.from({ length: count }, (_, index) => ({
    at: new Date(index).toISOString(),
    type: "boot" as const,
    message: `Says that it cannot boot: ${index}`,
    ...fields,
  }));

describe("boundTimeline", () => {
  it("keeps the newest 20 of each kind of claim, and the newest 100 others, in their order", () => {
    const [failures, wipes, others] = [
      entries(50, { claim: "boot-failure" }),
      entries(21, { claim: "wipe-order" }),
      entries(130),
    ];
    expect(boundTimeline([...failures, ...others, ...wipes])).toEqual([
      ...failures.slice(-20),
      ...others.slice(-100),
      ...wipes.slice(-20),
    ]);
  });

  it("counts claims of earlier releases, which lack their kind, among the 100 others", () => {
    const [old, others] = [entries(95), entries(10, { message: "Changed by api: labels" })];
    expect(boundTimeline([...old, ...others])).toEqual([...old.slice(5), ...others]);
  });
});
