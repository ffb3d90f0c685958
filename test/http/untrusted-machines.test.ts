import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { Cluster } from "#api/cluster.ts";
import type { Explanation } from "#api/machine-explanation.ts";
import { createServerTls } from "../fakes/test-certificates.ts";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { createTestServer, plainUrl, refusal, type TestServer } from "../fixtures/test-server.ts";
import { bootWindowMs } from "../../metadata-server/machines/boot-decision.ts";

const uuid = "4c4c4544-0051-3010-8053-b6c04f4a4732";
const otherUuid = "4c4c4544-0051-3010-8053-b6c04f4a4799";
const unknownMac = "52:54:00:99:99:99";
const forged = {
  "x-forwarded-for": "203.0.113.9",
  forwarded: "for=203.0.113.9;host=evil.example;proto=https",
  "x-real-ip": "203.0.113.9",
  "x-forwarded-host": "evil.example",
  "x-forwarded-proto": "https",
};

let server: TestServer;
let cluster: Cluster;
/** Two workers of one cluster, whose simulated machines boot over the network. */
let worker: TestMachine;
let neighbour: TestMachine;
beforeEach(async () => {
  server = await createTestServer();
  server.clusters.ca = (await createServerTls(join(server.directory, "tls"))).ca;
  cluster = await server.create();
  [worker, neighbour] = [createTestMachine(server, cluster, 1), createTestMachine(server, cluster, 2)];
});
afterEach(() => server.close());

interface Claims {
  uuid?: string;
  serial?: string;
}
async function boot(mac: string, { uuid: claimed, serial = "" }: Claims = {}, from = "10.99.0.50"): Promise<string> {
  const query = `mac=${mac}${claimed ? `&uuid=${claimed}` : ""}&serial-hex=${Buffer.from(serial).toString("hex")}`;
  const answer = await server.request(`${plainUrl}/ipxe?${query}`, { token: null, from });
  expect(answer.status).toBe(200);
  return answer.text;
}
const machineOf = async (mac: string) => (await server.clusters.store.machineByMac(mac))!;
const capabilityIn = (script: string) => /sprout\.capability=(\S{43}) /.exec(script)?.[1];
const memberNow = async ({ name }: TestMachine) => (await server.clusters.store.member(cluster.id, name))!;
const alerts = async () => (await server.events(cluster.id)).filter(({ type }) => type === "alert");
const seed = async (capability: string, file = "meta-data") =>
  server.request(`${plainUrl}/nocloud/${capability}/${file}`, { token: null });

/** Makes a machine ask, approves it and gives it to a member, with an open boot window. */
async function assign({ mac, name, allocation }: TestMachine, claims: Claims = {}): Promise<void> {
  await boot(mac, claims);
  await server.request(`/v1/machines/${(await machineOf(mac)).id}/approve`, { method: "POST" });
  const image = join(server.directory, `images/${defaultKubernetesVersion}/network-boot`);
  await mkdir(image, { recursive: true });
  await writeFile(join(image, "root.squashfs"), "root");
  const at = server.clock.now();
  const assignment = { clusterId: cluster.id, member: name, allocation, install: false, installedAt: null };
  const bootWindow = { openedAt: at, closesAt: at + bootWindowMs, issuedAt: null };
  await server.clusters.store.commit({
    machines: [{ ...(await machineOf(mac)), state: "assigned", assignment, bootWindow }],
  });
}

describe("GET /ipxe of two machines with one UUID", () => {
  it("distinguishes them by their MACs, and both become nodes", async () => {
    for (const machine of [worker, neighbour]) await assign(machine, { uuid });
    await createTestMachine(server, cluster, 0).metadata();
    for (const machine of [worker, neighbour]) {
      machine.token = capabilityIn(await boot(machine.mac, { uuid })) ?? "";
      machine.hardware.uuid = uuid;
      machine.from = "10.99.0.50";
      expect((await machine.getMetadata()).status).toBe(200);
      expect((await machine.claim()).role).toBe("worker");
    }
    expect(await alerts()).toEqual([]);
    const { machines } = (await server.request(`/v1/machines/explain?uuid=${uuid}`)).body as Explanation;
    expect(machines.map(({ matched }) => matched)).toEqual([
      `UUID ${uuid}, which 1 other machines share`,
      `UUID ${uuid}, which 1 other machines share`,
    ]);
    for (const { because } of machines) expect(because.join("\n")).toContain("has the same UUID");
  });
});

describe("GET /ipxe of a second machine in an open boot window", () => {
  beforeEach(() => assign(worker, { uuid }));

  it.each([
    ["a machine with another MAC and the same UUID", () => boot(unknownMac, { uuid }), `MAC ${unknownMac}`],
    [
      "a machine with the same MAC and another UUID",
      () => boot(worker.mac, { uuid: otherUuid }),
      `has UUID ${otherUuid}, not`,
    ],
  ])("gives nothing to %s, and uses up nothing", async (_, ask, said) => {
    const script = await ask();
    expect([capabilityIn(script), script.includes(said)]).toEqual([undefined, true]);
    expect((await machineOf(worker.mac)).bootWindow?.issuedAt).toBeNull();
    expect(await memberNow(worker)).toMatchObject({ frozen: false });
    expect(capabilityIn(await boot(worker.mac, { uuid }))).toHaveLength(43);
  });

  it("freezes the member for the same MAC, whichever machine comes first, and neither becomes the node", async () => {
    const capability = capabilityIn(await boot(worker.mac, { uuid }, "10.99.0.66"))!;
    expect(capabilityIn(await boot(worker.mac, { uuid }))).toBeUndefined();
    worker.token = capability;
    expect(refusal(await worker.getMetadata(`mac=${worker.mac}&uuid=${uuid}`))).toBe("403 wrong-machine");
    expect(refusal(await worker.postClaim())).toBe("403 wrong-machine");
    expect(await alerts()).toMatchObject([{ code: "duplicate-boot", member: worker.name }]);
  });
});

describe("A seed path of another machine", () => {
  it("binds nothing when it is read; a claim with it freezes the member and makes the seed invalid", async () => {
    expect((await seed(worker.capability)).status).toBe(200);
    expect((await memberNow(worker)).bound).toBeNull();
    const thief = { token: worker.capability };
    const metadata = await server.request(`/node/v1/metadata?mac=${neighbour.mac}`, thief);
    expect(refusal(metadata)).toBe("403 wrong-machine");
    expect(await alerts()).toMatchObject([{ code: "wrong-machine", member: worker.name }]);
    expect(refusal(await worker.getMetadata())).toBe("403 wrong-machine");
    for (const file of ["meta-data", "user-data"])
      expect(refusal(await seed(worker.capability, file))).toBe("403 wrong-machine");
    expect((await neighbour.getMetadata()).status).toBe(200);
  });

  it("gives nothing once the node has its credentials, and does not disturb the node", async () => {
    await createTestMachine(server, cluster, 0).metadata();
    await worker.metadata();
    await worker.claim();
    await worker.confirm();
    expect((await seed(worker.capability, "user-data")).status).toBe(200);
    const thief = { token: worker.capability };
    expect(refusal(await server.request(`/node/v1/metadata?mac=${neighbour.mac}`, thief))).toBe("403 wrong-machine");
    await worker.report("kubelet", "done");
    expect(await memberNow(worker)).toMatchObject({ phase: "kubelet", failure: null });
  });
});

describe("A serial with special characters", () => {
  const serial = `SN&mac=${unknownMac}%0aexit \${uuid} || shell;reboot`;

  it("stays one value on both surfaces, and adds nothing to a script", async () => {
    const script = await boot(worker.mac, { uuid, serial });
    expect(await machineOf(worker.mac)).toMatchObject({ macs: [worker.mac], serial });
    expect(await server.clusters.store.machineByMac(unknownMac)).toBeUndefined();
    expect(script).toContain(`echo Serial SN?mac=${unknownMac}?0aexit ??uuid? ?? shell,reboot\n`);
    await createTestMachine(server, cluster, 0).metadata();
    const claimed = `mac=${worker.mac}&serial=${encodeURIComponent(serial)}`;
    expect((await worker.getMetadata(claimed)).status).toBe(200);
    expect((await memberNow(worker)).bound).toEqual({ macs: [worker.mac], serial });
  });

  it("counts as missing with a line end from firmware, and starts no log line if a node sends it", async () => {
    await boot(worker.mac, { serial: "SN\nEVIL=1" });
    expect((await machineOf(worker.mac)).serial).toBeNull();
    await createTestMachine(server, cluster, 0).metadata();
    expect((await worker.getMetadata(`mac=${worker.mac}&serial=SN%0aEVIL=1`)).status).toBe(200);
    const shown = [`/v1/clusters/${cluster.id}`, "/v1/audit", "/metrics"].map(async (path) => server.request(path));
    const texts = (await Promise.all(shown)).map(({ text }) => text);
    expect([...texts, ...server.log, JSON.stringify(await server.events(cluster.id))].join("")).not.toContain("EVIL");
  });
});

describe("Forged proxy headers", () => {
  const from = "10.99.0.50";

  it("change neither the recorded address in inventory and audit log, nor the counted refusals", async () => {
    const ask = (path: string, token: string | null) => server.request(path, { token, headers: forged, from });
    await ask(`${plainUrl}/ipxe?mac=${unknownMac}`, null);
    expect((await machineOf(unknownMac)).lastSeenFrom).toBe(from);
    expect((await ask(`/node/v1/metadata?mac=${worker.mac}`, worker.capability)).status).toBe(200);
    for (let guess = 0; guess < 20; guess += 1)
      await server.request(`${plainUrl}/nocloud/${"x".repeat(43)}/meta-data`, {
        token: null,
        headers: { ...forged, "x-forwarded-for": `203.0.113.${guess}` },
        from,
      });
    const audit = await server.clusters.store.audit({ after: 0, limit: 100 });
    expect(audit.map((entry) => `${entry.action} ${entry.from}`)).toEqual([
      "cluster-create 192.0.2.1",
      `capability-use ${from}`,
      ...Array.from({ length: 5 }, () => `refuse ${from}`),
    ]);
  });

  it("change no script and no seed", async () => {
    const vendorFolder = join(server.directory, "bootstrapper/x64");
    await mkdir(vendorFolder, { recursive: true });
    await writeFile(join(vendorFolder, "sprout-bootstrap"), "a build");
    const of = (path: string, headers = {}) => server.request(`${plainUrl}${path}`, { token: null, headers });
    for (const path of [
      `/ipxe?mac=${neighbour.mac}`,
      `/nocloud/${neighbour.capability}/user-data`,
      `/nocloud/${neighbour.capability}/vendor-data`,
      `/ec2/${neighbour.capability}/latest/user-data`,
    ])
      expect([path, (await of(path, forged)).text]).toEqual([path, (await of(path)).text]);
    await assign(worker);
    const script = (await of(`/ipxe?mac=${worker.mac}`, forged)).text;
    expect(capabilityIn(script)).toHaveLength(43);
    expect(script).not.toMatch(/evil|203\.0\.113/);
  });
});
