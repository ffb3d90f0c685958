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
});
