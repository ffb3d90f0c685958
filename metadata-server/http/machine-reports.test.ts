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
import { approveMachine } from "../machines/change-machine.ts";

const mac = "52:54:00:bb:00:01";
let surface: BootSurface;
let server: TestServer;
beforeEach(async () => {
  surface = await createBootSurface();
  server = surface.server;
});
afterEach(() => server.close());

describe("A machine whose hardware nobody knows", () => {
  const wait = "waits for approval";

  it("boots an initrd that tells it, waits then, and does not boot it in a loop", async () => {
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

  it("waits where there is no image to look with", async () => {
    expect(await surface.ipxe(`mac=${mac}`)).toContain(wait);
    expect((await surface.machine(mac)).inspectionOfferedAt).toBeUndefined();
  });

  it("is believed once: what an approved machine is known to have, nobody else can say", async () => {
    await surface.report("inspection", { mac, ...inspected(mac) });
    await approveMachine(server.clusters, { machineId: (await surface.machine(mac)).id, by: operator });
    await surface.report("inspection", { mac, ...inspected(mac), cpus: "999" });
    expect((await surface.machine(mac)).hardware?.cpus).toBe(8);
  });

  it.each([
    ["no MAC", { ...inspected(mac) }],
    ["no CPUs", { mac, ...inspected(mac), cpus: "many" }],
    ["a disk without a size", { mac, ...inspected(mac), disk: "sda" }],
    ["an interface without a MAC", { mac, ...inspected(mac), interface: "eth0:" }],
  ])("is refused a report with %s", async (_what, fields) => {
    problemOf(await surface.report("inspection", fields), "400 invalid-request");
    expect(await server.clusters.store.machines({ limit: 10 })).toEqual([]);
  });

  it("that cannot boot says why on its timeline, once; a stranger says nothing", async () => {
    await surface.report("failure", { mac, "message-hex": toHex("no disk") });
    expect(await server.clusters.store.machines({ limit: 10 })).toEqual([]);
    await surface.ipxe(`mac=${mac}`);
    for (let time = 0; time < 3; time += 1) await surface.report("failure", { mac, "message-hex": toHex("no disk") });
    expect((await surface.machine(mac)).events.filter(({ message }) => message.includes("no disk"))).toEqual([
      expect.objectContaining({ type: "boot", message: "Says that it cannot boot: no disk" }),
    ]);
  });
});
