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
} from "../../test/fixtures/boot-surface.ts";
import { createTestMachine, type TestMachine } from "../../test/fixtures/test-machine.ts";
import { plainUrl, refusal, type TestServer } from "../../test/fixtures/test-server.ts";
import { approveMachine } from "../machines/change-machine.ts";
import type { AssignmentRecord } from "../store/machine-record.ts";

let surface: BootSurface;
let server: TestServer;
beforeEach(async () => {
  surface = await createBootSurface();
  server = surface.server;
});
afterEach(() => server.close());

describe("A machine that boots again", () => {
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

  it("installs to its disk, and boots from it once its node has called from there, as often as it likes", async () => {
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

  it("is told which interface takes part in the cluster, where that is not the one it boots from", async () => {
    const { macs } = await surface.machine(worker.mac);
    const other = "52:54:00:bb:00:02";
    await assign({ macs: [...macs, other], clusterMac: other });
    const script = await surface.ipxe(query);
    expect(script).toContain(` BOOTIF=01-${worker.mac.replaceAll(":", "-")} `);
    expect(script).toContain(` sprout.cluster-mac=${other} `);
  });

  it("that was to be installed, and called from memory, is not taken for installed", async () => {
    await assign({ assignment: toInstall() });
    worker.token = capabilityIn(await surface.ipxe(query)) ?? "";
    await createTestMachine(server, cluster, 0).metadata();
    await worker.getMetadata(`${query}&rootDevice=memory`);
    expect(await surface.ipxe(query)).toContain("A capability was issued since it was switched on");
  });

  it("wipes its disk when its cluster is gone, and is free with the token that it was told, not with another", async () => {
    await assign({ state: "released", assignment: toInstall({ installedAt: 1 }), bootWindow: null });
    const script = await surface.ipxe(query);
    const token = /sprout\.do=wipe sprout\.wipe-token=(\S{43}) sprout\.end=reboot /.exec(script)?.[1] ?? "";
    expect(refusal(await surface.report("wiped", { mac: worker.mac, token: "x".repeat(43) }))).toBe(
      "403 wrong-machine",
    );
    expect((await surface.machine(worker.mac)).state).toBe("released");
    for (let time = 0; time < 2; time += 1)
      expect((await surface.report("wiped", { mac: worker.mac, token })).status).toBe(204);
    expect(await surface.machine(worker.mac)).toMatchObject({ state: "free", assignment: null });
  });

  it("that boots anew from memory is allocated anew: new credentials, and the old ones open nothing here", async () => {
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
    const body = { allocation: member.allocation, hardware: { macs: [worker.mac] } };
    const claimed = await server.request("/node/v1/claim", { token: again, body });
    expect(Credentials.parse(claimed.body).kubelet).not.toEqual(before.kubelet);
  });
});
