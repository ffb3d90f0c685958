import { createHash, X509Certificate } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Cluster } from "#api/cluster.ts";
import { Credentials } from "#api/credentials.ts";
import { createServerTls } from "../../test/fakes/test-certificates.ts";
import { createTestMachine, type TestMachine } from "../../test/fixtures/test-machine.ts";
import { createTestServer, plainUrl, problemOf, refusal, type TestServer } from "../../test/fixtures/test-server.ts";
import { bootWindowMs } from "../machines/boot-window.ts";
import { approveMachine, refuseMachine } from "../machines/change-machine.ts";
import type { AssignmentRecord, MachineRecord } from "../store/machine-record.ts";

const by = { actor: "api", from: null };
const mac = "52:54:00:bb:00:01";
const uuid = "4c4c4544-0051-3010-8053-b6c04f4a4732";
let server: TestServer;
beforeEach(async () => {
  server = await createTestServer();
});
afterEach(() => server.close());

const ask = (query: string, from = "10.99.0.50") => server.request(`${plainUrl}/ipxe?${query}`, { token: null, from });
const ipxe = async (query: string, from?: string) => {
  const answer = await ask(query, from);
  expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
  expect(answer.text.startsWith("#!ipxe\n")).toBe(true);
  return answer.text;
};
const toHex = (text: string) => Buffer.from(text).toString("hex");
const toQuery = (text: string) => text.replaceAll(":", "-");
const machineOf = async (of: string) => (await server.clusters.store.machineByMac(of))!;
const capabilityIn = (script: string) => /sprout\.capability=(\S{43}) /.exec(script)?.[1];

describe("A machine that boots over the network", () => {
  it("gets the same first script as every other", async () => {
    const [one, other] = [
      await server.request(`${plainUrl}/boot.ipxe`, { token: null }),
      await server.request(`${plainUrl}/boot.ipxe.0`, { token: null }),
    ];
    expect(one.text).toMatch(/^#!ipxe\n/);
    expect([other.status, other.text]).toEqual([200, one.text]);
  });

  it("waits where it is unknown, is told who it is, and then that it was approved or refused", async () => {
    const query = `mac=${toQuery(mac)}&uuid=${uuid}&serial-hex=${toHex("SN 1")}&manufacturer-hex=${toHex("Lab")}&nic=&nic=${toQuery(mac)}`;
    const unknown = await ipxe(query);
    const machine = await machineOf(mac);
    expect(machine).toMatchObject({ state: "seen", macs: [mac], uuid, serial: "SN 1", manufacturer: "Lab" });
    expect(unknown).toContain(`echo Sprout: sprout machines approve ${machine.id}\n`);
    expect(unknown).toContain(`echo MAC ${mac}\necho UUID ${uuid}\necho Serial SN 1\n`);

    await approveMachine(server.clusters, { machineId: machine.id, by });
    expect(await ipxe(query)).toContain("This machine is approved, and no cluster needs it now");
    await refuseMachine(server.clusters, { machineId: machine.id, by });
    const refused = await ipxe(query);
    expect(refused).toContain("This machine was refused, approve it to let it in");
    expect(refused).toContain("\nsleep 60\n");
  });

  it.each([
    ["no UUID", `uuid=00000000-0000-0000-0000-000000000000`, { uuid: null, serial: null }],
    [
      "a serial that is no text",
      `uuid=&serial-hex=0a00&manufacturer-hex=${toHex("x".repeat(300))}`,
      { uuid: null, serial: null },
    ],
    ["a serial with & and %", `serial-hex=${toHex("A&mac=B%0a")}`, { serial: "A&mac=B%0a" }],
    ["a serial that is no hexadecimal", "serial-hex=nonsense", { serial: null }],
    ["a further card that is no Ethernet", "nic=00-11-22-33-44-55-66-77", { macs: [mac] }],
  ])("is let in with %s", async (_what, query, expected) => {
    await ipxe(`mac=${toQuery(mac)}&${query}`);
    expect(await machineOf(mac)).toMatchObject(expected);
  });

  it.each([
    ["no MAC", `uuid=${uuid}`],
    ["two MACs that it boots from", `mac=${mac}&mac=52:54:00:bb:00:02`],
    ["a malformed MAC", "mac=52:54:00:bb:00"],
    ["a group's MAC", "mac=ff:ff:ff:ff:ff:ff"],
    ["a malformed UUID", `mac=${mac}&uuid=nonsense`],
    ["two UUIDs", `mac=${mac}&uuid=${uuid}&uuid=${uuid}`],
  ])("is refused with %s, and nothing is stored", async (_what, query) => {
    problemOf(await ask(query), "400 invalid-request");
    expect(await server.clusters.store.machines({ limit: 10 })).toEqual([]);
  });

  it("is believed by its connection, not by what a header says of it", async () => {
    const headers = { "x-forwarded-for": "203.0.113.9", forwarded: "for=203.0.113.9" };
    await server.request(`${plainUrl}/ipxe?mac=${mac}`, { token: null, headers, from: "10.99.0.50" });
    expect((await machineOf(mac)).lastSeenFrom).toBe("10.99.0.50");
  });

  it("is not served by a host that the server's certificate does not have", async () => {
    const answer = await server.request("http://evil.example/ipxe?mac=52:54:00:bb:00:01", { token: null });
    expect(refusal(answer)).toBe("421 misdirected");
  });
});

const bake = async (...names: string[]) => {
  const image = join(server.directory, "images/v1.20.2/network-boot");
  await mkdir(image, { recursive: true });
  for (const name of names) await writeFile(join(image, name), name);
};
const report = (path: string, fields: Record<string, string | string[]>) => {
  const pairs = Object.entries(fields).flatMap(([name, values]) => [values].flat().map((text) => [name, text]));
  return server.request(`${plainUrl}/machine-reports/${path}`, {
    token: null,
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(pairs).toString(),
    from: "10.99.0.50",
  });
};
const inspected = {
  uuid,
  cpus: "8",
  "memory-kib": "16303104",
  disk: ["nvme0n1:937703088", "sda:7814037168"],
  interface: [`eth0:${toQuery(mac)}`, "eth1:52-54-00-bb-00-02"],
};

describe("A machine whose hardware nobody knows", () => {
  const wait = "waits for approval";

  it("boots an initrd that tells it, waits then, and does not boot it in a loop", async () => {
    await bake("root.squashfs");
    const script = await ipxe(`mac=${mac}&uuid=${uuid}`);
    expect(script).toContain(`echo MAC ${mac}\necho UUID ${uuid}\n`.replaceAll("echo ", "echo Sprout: "));
    expect(script).toContain(` sprout.do=inspect sprout.report=${plainUrl}/machine-reports || `);
    expect(capabilityIn(script)).toBeUndefined();
    expect(await ipxe(`mac=${mac}&uuid=${uuid}`)).toContain(wait);
    server.clock.advance(3_600_000);
    expect(await ipxe(`mac=${mac}&uuid=${uuid}`)).toContain("sprout.do=inspect");
    expect((await report("inspection", { mac: toQuery(mac), ...inspected })).status).toBe(204);
    server.clock.advance(3_600_000);
    expect(await ipxe(`mac=${mac}&uuid=${uuid}`)).toContain(wait);
    expect((await machineOf(mac)).hardware).toEqual({
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
    expect(await ipxe(`mac=${mac}`)).toContain(wait);
    expect((await machineOf(mac)).inspectionOfferedAt).toBeUndefined();
  });

  it("is believed once: what an approved machine is known to have, nobody else can say", async () => {
    await report("inspection", { mac, ...inspected });
    await approveMachine(server.clusters, { machineId: (await machineOf(mac)).id, by });
    await report("inspection", { mac, ...inspected, cpus: "999" });
    expect((await machineOf(mac)).hardware?.cpus).toBe(8);
  });

  it.each([
    ["no MAC", { ...inspected }],
    ["no CPUs", { mac, ...inspected, cpus: "many" }],
    ["a disk without a size", { mac, ...inspected, disk: "sda" }],
    ["an interface without a MAC", { mac, ...inspected, interface: "eth0:" }],
  ])("is refused a report with %s", async (_what, fields) => {
    problemOf(await report("inspection", fields), "400 invalid-request");
    expect(await server.clusters.store.machines({ limit: 10 })).toEqual([]);
  });

  it("that cannot boot says why on its timeline, once; a stranger says nothing", async () => {
    await report("failure", { mac, "message-hex": toHex("no disk") });
    expect(await server.clusters.store.machines({ limit: 10 })).toEqual([]);
    await ipxe(`mac=${mac}`);
    for (let time = 0; time < 3; time += 1) await report("failure", { mac, "message-hex": toHex("no disk") });
    expect((await machineOf(mac)).events.filter(({ message }) => message.includes("no disk"))).toEqual([
      expect.objectContaining({ type: "boot", message: "Says that it cannot boot: no disk" }),
    ]);
  });
});

describe("A machine that a cluster took", () => {
  let cluster: Cluster;
  let worker: TestMachine;
  let query: string;
  beforeEach(async () => {
    server.clusters.ca = (await createServerTls(join(server.directory, "tls"))).ca;
    cluster = await server.create();
    worker = createTestMachine(server, cluster, 1);
    query = `mac=${worker.mac}&uuid=${uuid}`;
    await bake("root.squashfs", "disk.squashfs");
    await report("inspection", { mac: worker.mac, ...inspected });
    await assign();
  });

  async function assign(fields: Partial<MachineRecord> = {}) {
    await ipxe(query);
    const { id } = await machineOf(worker.mac);
    await approveMachine(server.clusters, { machineId: id, by });
    const at = server.clock.now();
    const assignment = { clusterId: cluster.id, member: worker.name, allocation: worker.allocation };
    await server.clusters.store.commit({
      machines: [
        {
          ...(await machineOf(worker.mac)),
          state: "assigned",
          assignment: { ...assignment, install: false, installedAt: null },
          bootWindow: { openedAt: at, closesAt: at + bootWindowMs, issuedAt: null },
          ...fields,
        },
      ],
    });
  }
  const memberNow = async () => (await server.clusters.store.member(cluster.id, worker.name))!;

  it("boots this server's image with a capability of its own that works", async () => {
    const script = await ipxe(query);
    const root = createHash("sha256").update("root.squashfs").digest("hex");
    const pin = new X509Certificate(server.clusters.ca).fingerprint256.replaceAll(":", "").toLowerCase();
    expect(script).toContain(`kernel ${plainUrl}/assets/v1.20.2/vmlinuz initrd=initrd `);
    expect(script).toContain(`sprout.root=${plainUrl}/assets/v1.20.2/root.squashfs sprout.root-sha256=${root} `);
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

  it("that asks twice in one window freezes its node, with an alert; a third time only says so", async () => {
    const capability = capabilityIn(await ipxe(query));
    const second = await ipxe(query, "10.99.0.66");
    expect(capabilityIn(second)).toBeUndefined();
    expect(second).toContain("A capability was issued since it was switched on");
    await ipxe(query, "10.99.0.66");
    const alerts = (await server.events(cluster.id)).filter(({ type }) => type === "alert");
    expect(alerts).toHaveLength(1);
    expect(alerts[0]).toMatchObject({ code: "duplicate-boot", member: worker.name });
    expect(await memberNow()).toMatchObject({ frozen: true, state: "failed" });
    worker.token = capability ?? "";
    expect((await worker.getMetadata(query)).status).toBe(403);
    expect((await machineOf(worker.mac)).events.filter(({ type }) => type === "alert")).toHaveLength(1);
  });

  it("gets one capability where it asks several times at once", async () => {
    const scripts = await Promise.all(Array.from({ length: 5 }, () => ipxe(query)));
    expect(scripts.filter((script) => capabilityIn(script) !== undefined)).toHaveLength(1);
    expect(await memberNow()).toMatchObject({ frozen: true });
  });

  it("gets none once its window is closed, and is told how to open it; nobody is frozen for that", async () => {
    server.clock.advance(bootWindowMs);
    const before = await memberNow();
    const script = await ipxe(query);
    const { id } = await machineOf(worker.mac);
    expect(script).toContain(`No capability can be issued now, sprout machines approve ${id} lets it boot again`);
    expect(await memberNow()).toEqual(before);
    await approveMachine(server.clusters, { machineId: id, by });
    expect(capabilityIn(await ipxe(query))).toHaveLength(43);
  });

  it("keeps its window where there is no image to boot", async () => {
    await server.clusters.store.commit({ clusters: [{ ...(await clusterRecord()), kubernetesVersion: "v1.20.9" }] });
    expect(await ipxe(query)).toContain("There is no image of v1.20.9 for network boot");
    expect((await machineOf(worker.mac)).bootWindow?.issuedAt).toBeNull();
  });

  it("is refused where its UUID is another machine's, and keeps its window", async () => {
    const script = await ipxe(`mac=${worker.mac}&uuid=4c4c4544-0051-3010-8053-b6c04f4a4799`);
    expect(script).toContain(`has UUID 4c4c4544-0051-3010-8053-b6c04f4a4799, not ${uuid}`);
    expect((await machineOf(worker.mac)).bootWindow?.issuedAt).toBeNull();
  });

  const toInstall = (fields: Partial<AssignmentRecord> = {}) => {
    const { name: member, allocation } = worker;
    return { clusterId: cluster.id, member, allocation, install: true, installedAt: null, ...fields };
  };

  it("installs to its disk, and boots from it once its node has called from there, as often as it likes", async () => {
    await assign({ assignment: toInstall({ diskGiB: 100.5 }) });
    const script = await ipxe(query);
    expect(script).toContain(" sprout.do=install sprout.disk-gib=101 ");
    expect(script).toContain(` sprout.root=${plainUrl}/assets/v1.20.2/disk.squashfs `);
    worker.token = capabilityIn(script) ?? "";
    await createTestMachine(server, cluster, 0).metadata();
    expect((await worker.getMetadata(`${query}&rootDevice=disk`)).status).toBe(200);
    for (let boot = 0; boot < 3; boot += 1)
      expect(await ipxe(query)).toContain(`echo Sprout: ${worker.name} of cluster build126 boots from its disk\n`);
    expect(await memberNow()).toMatchObject({ frozen: false });
    expect((await machineOf(worker.mac)).assignment?.installedAt).toBe(server.clock.now());
  });

  it("that was to be installed, and called from memory, is not taken for installed", async () => {
    await assign({ assignment: toInstall() });
    worker.token = capabilityIn(await ipxe(query)) ?? "";
    await createTestMachine(server, cluster, 0).metadata();
    await worker.getMetadata(`${query}&rootDevice=memory`);
    expect(await ipxe(query)).toContain("A capability was issued since it was switched on");
  });

  it("wipes its disk when its cluster is gone, and is free with the token that it was told, not with another", async () => {
    await assign({ state: "released", assignment: toInstall({ installedAt: 1 }), bootWindow: null });
    const script = await ipxe(query);
    const token = /sprout\.do=wipe sprout\.wipe-token=(\S{43}) sprout\.then=reboot /.exec(script)?.[1] ?? "";
    expect(refusal(await report("wiped", { mac: worker.mac, token: "x".repeat(43) }))).toBe("403 wrong-machine");
    expect((await machineOf(worker.mac)).state).toBe("released");
    for (let time = 0; time < 2; time += 1)
      expect((await report("wiped", { mac: worker.mac, token })).status).toBe(204);
    expect(await machineOf(worker.mac)).toMatchObject({ state: "free", assignment: null });
  });

  it("that boots anew from memory is allocated anew: new credentials, and the old ones open nothing here", async () => {
    const first = createTestMachine(server, cluster, 0);
    worker.token = capabilityIn(await ipxe(query)) ?? "";
    await first.metadata();
    await worker.getMetadata(query);
    const before = await worker.claim();
    worker.token = await worker.confirm();
    const { id } = await machineOf(worker.mac);
    await approveMachine(server.clusters, { machineId: id, by });
    const again = capabilityIn(await ipxe(query)) ?? "";
    const member = await memberNow();
    expect(member).toMatchObject({ frozen: false, state: "launched", bound: null, claims: 0 });
    expect(member.allocation).not.toBe(worker.allocation);
    expect((await machineOf(worker.mac)).assignment?.allocation).toBe(member.allocation);
    expect(refusal(await worker.postReport({ phase: "network", state: "done" }))).toBe("403 wrong-machine");
    worker.token = again;
    expect((await worker.getMetadata(query)).body).toMatchObject({ allocation: member.allocation });
    const body = { allocation: member.allocation, hardware: { macs: [worker.mac] } };
    const claimed = await server.request("/node/v1/claim", { token: again, body });
    expect(Credentials.parse(claimed.body).kubelet).not.toEqual(before.kubelet);
  });

  const clusterRecord = async () => (await server.clusters.store.cluster(cluster.id))!;
});
