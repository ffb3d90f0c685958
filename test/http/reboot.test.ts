import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultKubernetesVersion } from "#api/kubernetes-version.ts";
import type { Cluster } from "#api/cluster.ts";
import { Credentials } from "#api/credentials.ts";
import {
  type AssignedMachine,
  type BootSurface,
  capabilityIn,
  createAssignedMachine,
  createBootSurface,
  operator,
  uuid,
} from "../fixtures/boot-surface.ts";
import { createTestMachine, type TestMachine } from "../fixtures/test-machine.ts";
import { plainUrl, refusal, type TestServer } from "../fixtures/test-server.ts";
import { approveMachine } from "../../metadata-server/machines/approve-machine.ts";
import type { AssignmentRecord } from "../../metadata-server/store/machine-record.ts";

let surface: BootSurface;
let server: TestServer;
beforeEach(async () => {
  surface = await createBootSurface();
  server = surface.server;
});
afterEach(() => server.close());

describe("GET /ipxe of a machine that reboots", () => {
  let cluster: Cluster;
  let worker: TestMachine;
  let query: string;
  let assign: AssignedMachine["assign"];
  beforeEach(async () => {
    ({ cluster, worker, query, assign } = await createAssignedMachine(surface));
  });
  const memberNow = async () => (await server.clusters.store.member(cluster.id, worker.name))!;

  const toInstall = (fields: Partial<AssignmentRecord> = {}) => {
    const { name: member, allocation } = worker;
    return { clusterId: cluster.id, member, allocation, install: true, installedAt: null, ...fields };
  };

  it("installs the disk, then boots from it every time once the node has called from there", async () => {
    await assign({ assignment: toInstall({ diskGiB: 100.5 }) });
    const script = await surface.ipxe(query);
    expect(script).toContain(" sprout.do=install sprout.disk-gib=101 ");
    expect(script).toContain(` sprout.root=${plainUrl}/assets/${defaultKubernetesVersion}/disk.squashfs `);
    worker.token = capabilityIn(script) ?? "";
    await createTestMachine(server, cluster, 0).metadata();
    expect((await worker.getMetadata(`${query}&rootDevice=disk`)).status).toBe(200);
    for (let boot = 0; boot < 3; boot += 1)
      expect(await surface.ipxe(query)).toContain(
        `echo Sprout: ${worker.name} of cluster build126 boots from its disk\n`,
      );
    expect(await memberNow()).toMatchObject({ frozen: false });
    expect((await surface.machine(worker.mac)).assignment?.installedAt).toBe(server.clock.now());
  });

  it("names the cluster's interface if the machine boots from another one", async () => {
    const { macs } = await surface.machine(worker.mac);
    const other = "52:54:00:bb:00:02";
    await assign({ macs: [...macs, other], clusterMac: other });
    const script = await surface.ipxe(query);
    expect(script).toContain(` BOOTIF=01-${worker.mac.replaceAll(":", "-")} `);
    expect(script).toContain(` sprout.cluster-mac=${other} `);
  });

  it("does not treat a machine as installed that called from memory", async () => {
    await assign({ assignment: toInstall() });
    worker.token = capabilityIn(await surface.ipxe(query)) ?? "";
    await createTestMachine(server, cluster, 0).metadata();
    await worker.getMetadata(`${query}&rootDevice=memory`);
    expect(await surface.ipxe(query)).toContain("A capability was issued since it was switched on");
  });

  it("wipes the disk after the cluster's end, and frees the machine only for the wipe's own token", async () => {
    await assign({ state: "released", assignment: toInstall({ installedAt: 1 }), bootWindow: null });
    const script = await surface.ipxe(query);
    const token = /sprout\.do=wipe sprout\.wipe-token=(\S{43}) sprout\.end=reboot /.exec(script)?.[1] ?? "";
    expect(refusal(await surface.report("wiped", { mac: worker.mac, token: "x".repeat(43) }))).toBe(
      "403 wrong-machine",
    );
    expect((await surface.machine(worker.mac)).state).toBe("released");
    for (let time = 0; time < 20; time += 1)
      expect((await surface.report("wiped", { mac: worker.mac, uuid, token })).status).toBe(204);
    const audit = await server.clusters.store.audit({ after: 0, limit: 100 });
    expect(audit.filter(({ action }) => action === "machine-release")).toHaveLength(1);
    expect(await surface.machine(worker.mac)).toMatchObject({ state: "free", assignment: null });
  });

  it("takes the address that a machine reports after a reboot from memory, and refuses one of pods", async () => {
    server.provider.plansAddresses = false;
    const other = await createAssignedMachine(surface, "learned");
    const { hardware, mac, name, ...machine } = other.worker;
    const stored = async () => (await server.clusters.store.member(other.cluster.id, name))!;
    const boot = async () => capabilityIn(await surface.ipxe(other.query)) ?? "";
    const post = async (path: string, token: string, address: string) => {
      const body = { allocation: (await stored()).allocation, hardware: { ...hardware, addresses: [address] } };
      return server.request(path, { token, from: machine.from, body });
    };
    const before = await boot();
    await post("/node/v1/claim", before, "192.0.2.6");
    await post("/node/v1/claim/confirm", before, "192.0.2.6");
    await approveMachine(server.clusters, { machineId: (await surface.machine(mac)).id, by: operator });
    const after = await boot();
    expect(refusal(await post("/node/v1/claim", after, "10.244.3.1"))).toBe("400 invalid-request");
    expect((await post("/node/v1/claim", after, "192.0.2.9")).status).toBe(200);
    expect(await stored()).toMatchObject({ address: "192.0.2.9", addressKey: `${other.cluster.id}/192.0.2.9` });
  });

  it("allocates a machine again that reboots from memory, with new credentials, and revokes the old ones", async () => {
    const first = createTestMachine(server, cluster, 0);
    worker.token = capabilityIn(await surface.ipxe(query)) ?? "";
    await first.metadata();
    await worker.getMetadata(query);
    const before = await worker.claim();
    worker.token = await worker.confirm();
    const { id } = await surface.machine(worker.mac);
    await approveMachine(server.clusters, { machineId: id, by: operator });
    const again = capabilityIn(await surface.ipxe(query)) ?? "";
    const member = await memberNow();
    expect(member).toMatchObject({ frozen: false, state: "launched", bound: null, claims: 0 });
    expect(member.allocation).not.toBe(worker.allocation);
    expect((await surface.machine(worker.mac)).assignment?.allocation).toBe(member.allocation);
    expect(refusal(await worker.postReport({ phase: "network", state: "done" }))).toBe("403 wrong-machine");
    worker.token = again;
    expect((await worker.getMetadata(query)).body).toMatchObject({ allocation: member.allocation });
    const body = { allocation: member.allocation, hardware: worker.hardware };
    const claimed = await server.request("/node/v1/claim", { token: again, from: worker.from, body });
    expect(Credentials.parse(claimed.body).kubelet).not.toEqual(before.kubelet);
  });
});
