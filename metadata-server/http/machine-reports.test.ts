import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  capabilityIn,
  createBootSurface,
  inspected,
  operator,
  toHex,
  toHyphens,
  uuid,
  type BootSurface,
} from "../../test/fixtures/boot-surface.ts";
import { plainUrl, problemOf, type TestServer } from "../../test/fixtures/test-server.ts";
import { approveMachine } from "../machines/approve-machine.ts";

const mac = "52:54:00:bb:00:01";
let surface: BootSurface;
let server: TestServer;
beforeEach(async () => {
  surface = await createBootSurface();
  server = surface.server;
});
afterEach(() => server.close());

describe("POST /machine-reports", () => {
  const wait = "waits for approval";

  it("takes the hardware of a machine from its initrd, then lets the machine wait without a boot loop", async () => {
    await surface.bake("root.squashfs");
    const script = await surface.ipxe(`mac=${mac}&uuid=${uuid}`);
    expect(script).toContain(`echo MAC ${mac}\necho UUID ${uuid}\n`.replaceAll("echo ", "echo Sprout: "));
    expect(script).toContain(` sprout.do=inspect sprout.report=${plainUrl}/machine-reports || `);
    expect(capabilityIn(script)).toBeUndefined();
    expect(await surface.ipxe(`mac=${mac}&uuid=${uuid}`)).toContain(wait);
    server.clock.advance(3_600_000);
    expect(await surface.ipxe(`mac=${mac}&uuid=${uuid}`)).toContain("sprout.do=inspect");
    expect((await surface.report("inspection", { mac: toHyphens(mac), ...inspected(mac) })).status).toBe(204);
    server.clock.advance(3_600_000);
    expect(await surface.ipxe(`mac=${mac}&uuid=${uuid}`)).toContain(wait);
    expect((await surface.machine(mac)).hardware).toEqual({
      cpus: 8,
      memoryMiB: 15_921,
      disks: [
        { name: "nvme0n1", sizeGiB: 447.1 },
        { name: "sda", sizeGiB: 3726 },
      ],
      nics: [
        { name: "eth0", mac },
        { name: "eth1", mac: "52:54:00:bb:00:02" },
      ],
    });
  });

  it("lets a machine wait if there is no image to inspect it with", async () => {
    expect(await surface.ipxe(`mac=${mac}`)).toContain(wait);
    expect((await surface.machine(mac)).inspectionOfferedAt).toBeUndefined();
  });

  it("keeps the first report of an approved machine, whatever later reports say", async () => {
    await surface.report("inspection", { mac, ...inspected(mac) });
    await approveMachine(server.clusters, { machineId: (await surface.machine(mac)).id, by: operator });
    await surface.report("inspection", { mac, ...inspected(mac), cpus: "999" });
    expect((await surface.machine(mac)).hardware?.cpus).toBe(8);
  });

  it.each([
    ["no MAC", { ...inspected(mac) }],
    ["an InfiniBand card that it boots from", { mac: Array(20).fill("80").join("-"), ...inspected(mac) }],
    ["no CPUs", { mac, ...inspected(mac), cpus: "many" }],
    ["no memory", { mac, ...inspected(mac), "memory-kib": "" }],
  ])("refuses a report with %s", async (_what, fields) => {
    problemOf(await surface.report("inspection", fields), "400 invalid-request");
    expect(await server.clusters.store.machines({ limit: 10 })).toEqual([]);
  });

  const disk = "sda:976773168";
  const nic = `eth0:${toHyphens(mac)}`;
  it.each([
    ["a floppy disk of 0 GiB", { disk: [disk, "fd0:2880"] }],
    ["a disk without a size", { disk: ["sdb", disk, "sdc:", "sdd:many", "sde:-5"] }],
    ["a disk that is too large", { disk: ["sdb:3000000000000", disk, "sdc:1e400"] }],
    ["a disk whose name is too long or missing", { disk: [`${"d".repeat(65)}:976773168`, disk, ":976773168"] }],
    ["an InfiniBand card", { interface: [`ib0:${Array(20).fill("80").join("-")}`, nic] }],
    ["an interface without a MAC", { interface: ["wwan0:", nic, "wwan1"] }],
    ["a group's MAC and a zero one", { interface: ["a:ff-ff-ff-ff-ff-ff", nic, "b:00-00-00-00-00-00"] }],
    ["an interface whose name is too long", { interface: [`${"n".repeat(65)}:52-54-00-bb-00-02`, nic] }],
    ["a UUID that is none", { uuid: "Not Settable" }],
  ])("leaves %s out of a report, and keeps the rest", async (_what, odd) => {
    const fields = { mac, ...inspected(mac), disk, interface: nic, ...odd };
    expect((await surface.report("inspection", fields)).status).toBe(204);
    expect((await surface.machine(mac)).hardware).toEqual({
      cpus: 8,
      memoryMiB: 15_921,
      disks: [{ name: "sda", sizeGiB: 465.8 }],
      nics: [{ name: "eth0", mac }],
    });
  });

  it("keeps the first 64 of 2,000 disks, the first 32 of 100 interfaces, and 32 MACs", async () => {
    const cards = Array.from({ length: 100 }, (_, index) => `52-54-00-bb-01-${toHex(String.fromCodePoint(index))}`);
    const fields = {
      disk: Array.from({ length: 2000 }, (_, index) => `sd${index}:976773168`),
      interface: cards.map((card, index) => `eth${index}:${card}`),
      nic: [...Array<string>(50).fill(toHyphens(mac)), ...cards],
    };
    expect((await surface.report("inspection", { mac, ...inspected(mac), ...fields })).status).toBe(204);
    const { hardware, macs } = await surface.machine(mac);
    expect(hardware?.disks.map(({ name }) => name)).toEqual(Array.from({ length: 64 }, (_, index) => `sd${index}`));
    expect(hardware?.nics.map(({ name }) => name)).toEqual(Array.from({ length: 32 }, (_, index) => `eth${index}`));
    expect(macs).toHaveLength(32);
  });

  it("records once why a machine cannot boot, and nothing for an unknown machine", async () => {
    await surface.report("failure", { mac, "message-hex": toHex("no disk") });
    expect(await server.clusters.store.machines({ limit: 10 })).toEqual([]);
    await surface.ipxe(`mac=${mac}`);
    for (let time = 0; time < 3; time += 1) await surface.report("failure", { mac, "message-hex": toHex("no disk") });
    expect((await surface.machine(mac)).events.filter(({ message }) => message.includes("no disk"))).toEqual([
      expect.objectContaining({ type: "boot", message: "Says that it cannot boot: no disk" }),
    ]);
  });
});
