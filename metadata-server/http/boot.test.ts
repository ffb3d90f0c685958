import { createHash, X509Certificate } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { Cluster } from "#api/cluster.ts";
import {
  capabilityIn,
  createAssignedMachine,
  createBootSurface,
  operator,
  toHex,
  toHyphens,
  uuid,
  type BootSurface,
} from "../../test/fixtures/boot-surface.ts";
import { createTestMachine, type TestMachine } from "../../test/fixtures/test-machine.ts";
import { plainUrl, problemOf, refusal, type TestServer } from "../../test/fixtures/test-server.ts";
import { bootWindowMs } from "../machines/boot-decision.ts";
import { approveMachine } from "../machines/approve-machine.ts";
import { refuseMachine } from "../machines/refuse-machine.ts";

const mac = "52:54:00:bb:00:01";
let surface: BootSurface;
let server: TestServer;
beforeEach(async () => {
  surface = await createBootSurface();
  server = surface.server;
});
afterEach(() => server.close());

describe("GET /ipxe", () => {
  it("sends every machine the same first script", async () => {
    const [one, other] = [
      await server.request(`${plainUrl}/boot.ipxe`, { token: null }),
      await server.request(`${plainUrl}/boot.ipxe.0`, { token: null }),
    ];
    expect(one.text).toMatch(/^#!ipxe\n/);
    expect([other.status, other.text]).toEqual([200, one.text]);
  });

  it("makes an unknown machine wait and shows its identity, then its approval or refusal", async () => {
    const query = `mac=${toHyphens(mac)}&uuid=${uuid}&serial-hex=${toHex("SN 1")}&manufacturer-hex=${toHex("Lab")}&nic=&nic=${toHyphens(mac)}`;
    const unknown = await surface.ipxe(query);
    const machine = await surface.machine(mac);
    expect(machine).toMatchObject({ state: "seen", macs: [mac], uuid, serial: "SN 1", manufacturer: "Lab" });
    expect(unknown).toContain(`echo Sprout: sprout machines approve ${machine.id}\n`);
    expect(unknown).toContain(`echo MAC ${mac}\necho UUID ${uuid}\necho Serial SN 1\n`);

    await approveMachine(server.clusters, { machineId: machine.id, by: operator });
    expect(await surface.ipxe(query)).toContain("This machine is approved, and no cluster needs it now");
    await refuseMachine(server.clusters, { machineId: machine.id, by: operator });
    const refused = await surface.ipxe(query);
    expect(refused).toContain("This machine was refused, approve it to let it in");
    expect(refused).toContain("\nsleep 60\n");
  });

  it.each([
    ["no UUID", `uuid=00000000-0000-0000-0000-000000000000`, { uuid: null, serial: null }],
    [
      "a serial that is not text",
      `uuid=&serial-hex=0a00&manufacturer-hex=${toHex("x".repeat(300))}`,
      { uuid: null, serial: null },
    ],
    ["a serial with & and %", `serial-hex=${toHex("A&mac=B%0a")}`, { serial: "A&mac=B%0a" }],
    ["a serial that is not hexadecimal", "serial-hex=nonsense", { serial: null }],
    ["another card that is not Ethernet", "nic=00-11-22-33-44-55-66-77", { macs: [mac] }],
  ])("accepts %s", async (_what, query, expected) => {
    await surface.ipxe(`mac=${toHyphens(mac)}&${query}`);
    expect(await surface.machine(mac)).toMatchObject(expected);
  });

  it.each([
    ["no MAC", `uuid=${uuid}`],
    ["two MACs that it boots from", `mac=${mac}&mac=52:54:00:bb:00:02`],
    ["a malformed MAC", "mac=52:54:00:bb:00"],
    ["a group's MAC", "mac=ff:ff:ff:ff:ff:ff"],
    ["a malformed UUID", `mac=${mac}&uuid=nonsense`],
    ["two UUIDs", `mac=${mac}&uuid=${uuid}&uuid=${uuid}`],
  ])("refuses %s, and stores nothing", async (_what, query) => {
    problemOf(await surface.ask(query), "400 invalid-request");
    expect(await server.clusters.store.machines({ limit: 10 })).toEqual([]);
  });

  it("takes a machine's address from its connection, not from a header", async () => {
    const headers = { "x-forwarded-for": "203.0.113.9", forwarded: "for=203.0.113.9" };
    await server.request(`${plainUrl}/ipxe?mac=${mac}`, { token: null, headers, from: "10.99.0.50" });
    expect((await surface.machine(mac)).lastSeenFrom).toBe("10.99.0.50");
  });

  it("refuses a host that the server's certificate lacks", async () => {
    const answer = await server.request("http://evil.example/ipxe?mac=52:54:00:bb:00:01", { token: null });
    expect(refusal(answer)).toBe("421 misdirected");
  });
});

describe("GET /ipxe of a machine in a cluster", () => {
  let cluster: Cluster;
  let worker: TestMachine;
  let query: string;
  beforeEach(async () => {
    ({ cluster, worker, query } = await createAssignedMachine(surface));
  });
  const memberNow = async () => (await server.clusters.store.member(cluster.id, worker.name))!;

  it("boots this server's image with a valid capability for the machine", async () => {
    const script = await surface.ipxe(query);
    const root = createHash("sha512").update("root.squashfs").digest("hex");
    const pin = new X509Certificate(server.clusters.ca).fingerprint256.replaceAll(":", "").toLowerCase();
    expect(script).toContain(`kernel ${plainUrl}/assets/${defaultKubernetesVersion}/vmlinuz initrd=initrd `);
    expect(script).toContain(
      `sprout.root=${plainUrl}/assets/${defaultKubernetesVersion}/root.squashfs sprout.root-sha512=${root} `,
    );
    expect(script).toContain(`sprout.server=https://10.77.255.254:8443 sprout.ca-sha256=${pin} `);
    expect(capabilityIn(script)).not.toBe(worker.capability);
    expect((await worker.getMetadata(query)).status).toBe(403);
    worker.token = capabilityIn(script) ?? "";
    await createTestMachine(server, cluster, 0).metadata();
    expect((await worker.getMetadata(query)).status).toBe(200);
    expect((await worker.claim()).role).toBe("worker");
    expect(await server.clusters.store.audit({ after: 0, limit: 100 })).toContainEqual(
      expect.objectContaining({ action: "capability-issue", member: worker.name, from: "10.99.0.50" }),
    );
  });

  it("freezes the node of a machine that asks twice in one boot window, with one alert", async () => {
    const capability = capabilityIn(await surface.ipxe(query));
    const second = await surface.ipxe(query, "10.99.0.66");
    expect(capabilityIn(second)).toBeUndefined();
    expect(second).toContain("A capability was issued since it was switched on");
    await surface.ipxe(query, "10.99.0.66");
    const alerts = (await server.events(cluster.id)).filter(({ type }) => type === "alert");
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({ code: "duplicate-boot", member: worker.name });
    expect(await memberNow()).toMatchObject({ frozen: true, state: "failed" });
    worker.token = capability ?? "";
    expect((await worker.getMetadata(query)).status).toBe(403);
    expect((await surface.machine(worker.mac)).events.filter(({ type }) => type === "alert")).toHaveLength(1);
  });

  it("issues one capability for several requests at once", async () => {
    const scripts = await Promise.all(Array.from({ length: 5 }, () => surface.ipxe(query)));
    expect(scripts.filter((script) => capabilityIn(script) !== undefined)).toHaveLength(1);
    expect(await memberNow()).toMatchObject({ frozen: true });
  });

  it("issues none after the boot window, says how to open it, and freezes no node", async () => {
    server.clock.advance(bootWindowMs);
    const before = await memberNow();
    const script = await surface.ipxe(query);
    const { id } = await surface.machine(worker.mac);
    expect(script).toContain(`No capability can be issued now, sprout machines approve ${id} lets it boot again`);
    expect(await memberNow()).toEqual(before);
    await approveMachine(server.clusters, { machineId: id, by: operator });
    expect(capabilityIn(await surface.ipxe(query))).toHaveLength(43);
  });

  it("boots the image of the machine's node pool", async () => {
    const { store } = server.clusters;
    const machine = await surface.machine(worker.mac);
    await store.commit({ machines: [{ ...machine, assignment: { ...machine.assignment!, image: "gpu" } }] });
    expect(await surface.ipxe(query)).toContain(`no network boot image of ${defaultKubernetesVersion}-gpu`);
  });

  it("keeps the boot window open if there is no image to boot", async () => {
    await server.clusters.store.commit({ clusters: [{ ...(await clusterRecord()), kubernetesVersion: "v1.37.9" }] });
    expect(await surface.ipxe(query)).toContain("The server has no network boot image of v1.37.9");
    expect((await surface.machine(worker.mac)).bootWindow?.issuedAt).toBeNull();
  });

  it("refuses another machine's UUID, and keeps the boot window open", async () => {
    const script = await surface.ipxe(`mac=${worker.mac}&uuid=4c4c4544-0051-3010-8053-b6c04f4a4799`);
    expect(script).toContain(`has UUID 4c4c4544-0051-3010-8053-b6c04f4a4799, not ${uuid}`);
    expect((await surface.machine(worker.mac)).bootWindow?.issuedAt).toBeNull();
  });

  const clusterRecord = async () => (await server.clusters.store.cluster(cluster.id))!;
});
