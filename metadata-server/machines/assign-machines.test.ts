import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ClusterMachines } from "#api/cluster-machines.ts";
import { createTestRack, rackMac, rackMachine, rackMember, type TestRack } from "../../test/fixtures/test-rack.ts";

let rack: TestRack;
beforeEach(async () => {
  rack = await createTestRack();
});
afterEach(() => rack.destroy());

const clusterId = "c-aaaaaaaaaaaaaaaa";
const disks = (sizeGiB: number) => ({ cpus: 8, memoryMiB: 16_384, disks: [{ name: "sda", sizeGiB }], nics: [] });
const diskless = { cpus: 4, memoryMiB: 8192, disks: [], nics: [] };
const reserve = (members: ReturnType<typeof rackMember>[], machines?: ClusterMachines, id = clusterId) =>
  rack.provider.reserve({ clusterId: id, members, machines });

const pool = (name: string) => ({ ...rackMember(name), nodePool: "gpu" });
const nodePools = [
  { name: "gpu", image: "gpu", machines: { labels: { gpu: "yes" }, minDiskGiB: 50, install: true } },
  { name: "any" },
];

describe("reserve of the bare-metal provider, with simulated machines", () => {
  it("gives each role machines that meet its requirements, and returns their cluster MACs", async () => {
    await rack.add(
      rackMachine(1, { hardware: diskless, labels: { gpu: "yes" } }),
      rackMachine(2, { hardware: disks(100), macs: [rackMac(2), rackMac(9)], clusterMac: rackMac(9) }),
      rackMachine(3, { hardware: disks(20) }),
      rackMachine(4, { state: "approved", hardware: disks(500) }),
    );
    const wanted: ClusterMachines = {
      controlPlanes: { minDiskGiB: 50, minCpus: 8 },
      workers: { labels: { gpu: "yes" } },
      install: false,
    };
    const segment = await reserve([rackMember("cp", "control-plane"), rackMember("w")], wanted);
    expect(segment.machines).toEqual([
      { name: "cp", role: "control-plane", address: null, mac: rackMac(9) },
      { name: "w", role: "worker", address: null, mac: rackMac(1) },
    ]);
    expect(await rack.machine("m-2")).toMatchObject({
      state: "assigned",
      assignment: { clusterId, member: "cp", allocation: "a-cp", install: true },
    });
    expect(await rack.machine("m-1")).toMatchObject({ state: "assigned", assignment: { member: "w", install: false } });
    expect((await rack.machine("m-3")).state).toBe("free");
  });

  it("takes further machines for a cluster that has some, once, and only if they are to be added", async () => {
    await rack.add(rackMachine(1, { hardware: disks(100) }), rackMachine(2, { hardware: diskless }));
    const present = [rackMember("cp", "control-plane")];
    await reserve(present);
    const again = await reserve([...present, rackMember("w")]);
    expect(again.machines.map((each) => each.mac)).toEqual([rackMac(1), null]);
    const added = { clusterId, members: [rackMember("w")], present: again.machines };
    for (const _ of ["first", "repeated"])
      expect((await rack.provider.reserve(added)).machines.map((each) => each.mac)).toEqual([rackMac(2)]);
    expect(await rack.machine("m-2")).toMatchObject({ state: "assigned", assignment: { member: "w" } });
    const missing = { ...added, members: [rackMember("w2")] };
    await expect(rack.provider.reserve(missing)).rejects.toThrow("Provider bare-metal cannot take machines");
  });

  it("keeps the machines that fit one role only for that role", async () => {
    await rack.add(rackMachine(1, { hardware: disks(100) }), rackMachine(2, { hardware: diskless }));
    const segment = await reserve([rackMember("cp", "control-plane"), rackMember("w")]);
    expect(segment.machines.map((each) => each.mac)).toEqual([rackMac(1), rackMac(2)]);
  });

  it("names each unmet requirement with the number of machines that meet it, and takes none", async () => {
    await rack.add(
      rackMachine(1, { hardware: disks(100), labels: { rack: "r1" } }),
      rackMachine(2, { hardware: null, labels: { rack: "r1" } }),
      rackMachine(3, { hardware: diskless }),
    );
    const wanted: ClusterMachines = {
      controlPlanes: { minDiskGiB: 200 },
      workers: { labels: { rack: "r1" }, minCpus: 8, minMemoryMiB: 1024 },
      install: false,
    };
    await expect(
      reserve([rackMember("cp", "control-plane"), rackMember("w1"), rackMember("w2")], wanted),
    ).rejects.toMatchObject({
      code: "no-capacity",
      message: "Provider bare-metal cannot take machines: 3 machines are needed, 3 are free",
      errors: [
        {
          pointer: "/machines/controlPlanes/minDiskGiB",
          detail: "Expected 1 free machines with a disk of 200 GiB, got 0 of 3",
        },
        { pointer: "/machines/workers/minCpus", detail: "Expected 2 free machines with 8 CPUs, got 1 of 3" },
      ],
    });
    expect((await rack.store.machines({ limit: 10 })).map(({ state, version }) => `${state} ${version}`)).toEqual(
      Array(3).fill("free 1"),
    );
  });

  it.each([
    [
      "no machine",
      [],
      [],
      "1 machines are needed, 0 are free",
      [
        {
          pointer: "/machines/controlPlanes",
          detail: "Expected 1 free machines with a disk of 8 GiB to install to, got 0 of 0",
        },
      ],
    ],
    ["one machine for two roles", [rackMachine(1)], [rackMember("w")], "2 machines are needed, 1 are free", []],
    [
      "two machines that fit one role",
      [rackMachine(1), rackMachine(2, { hardware: diskless })],
      [rackMember("w"), rackMember("w2")],
      "3 machines are needed, 2 are free",
      [],
    ],
  ])("refuses a cluster if the inventory has %s", async (_, machines, workers, message, errors) => {
    if (machines.length > 0) await rack.add(...machines);
    await expect(reserve([rackMember("cp", "control-plane"), ...workers])).rejects.toMatchObject({
      message: `Provider bare-metal cannot take machines: ${message}`,
      errors,
    });
  });

  it("reports requirements that machines meet only separately", async () => {
    await rack.add(
      rackMachine(1, { labels: { rack: "r1" }, hardware: diskless }),
      rackMachine(2, { labels: {}, hardware: disks(10) }),
    );
    await expect(
      reserve([rackMember("w")], { workers: { labels: { rack: "r1" }, minCpus: 8 }, install: false }),
    ).rejects.toMatchObject({
      errors: [
        {
          pointer: "/machines/workers",
          detail: "Expected 1 free machines that meet all requirements of a worker, got 0 of 2",
        },
      ],
    });
  });

  it("gives no machine to two clusters, even if eight ask at once", async () => {
    await rack.add(...[1, 2, 3, 4, 5].map((index) => rackMachine(index)));
    const clusters = Array.from({ length: 8 }, (_, index) => `c-${"abcdefgh"[index]!.repeat(16)}`);
    const outcomes = await Promise.allSettled(clusters.map((id) => reserve([rackMember("w")], undefined, id)));
    const taken = outcomes.flatMap((outcome) =>
      outcome.status === "fulfilled" ? outcome.value.machines.map((each) => each.mac) : [],
    );
    expect(taken).toHaveLength(5);
    expect(new Set(taken).size).toBe(5);
    expect(outcomes.filter(({ status }) => status === "rejected")).toHaveLength(3);
  });

  it("gives a node pool machines that meet its own requirements, with its image, at first and later", async () => {
    await rack.add(
      rackMachine(1, { hardware: disks(100), labels: { gpu: "yes" } }),
      rackMachine(2, { hardware: diskless }),
      rackMachine(3, { hardware: disks(100), labels: { gpu: "yes" } }),
    );
    const members = [rackMember("w"), pool("g")];
    const segment = await rack.provider.reserve({ clusterId, members, nodePools });
    expect(segment.machines.map((each) => each.mac)).toEqual([rackMac(2), rackMac(1)]);
    const gpu = { install: true, image: "gpu", diskGiB: 50 };
    expect(await rack.machine("m-1")).toMatchObject({ assignment: { member: "g", ...gpu } });
    expect((await rack.machine("m-2")).assignment).not.toHaveProperty("image");
    await rack.provider.reserve({ clusterId, members: [pool("g2")], present: segment.machines, nodePools });
    expect(await rack.machine("m-3")).toMatchObject({ assignment: { member: "g2", ...gpu } });
  });

  it("gives workers that are attached later the requirements of the first ones, unless the request has others", async () => {
    const plain = [{ name: "default", machines: { labels: { rack: "r1" }, install: false } }];
    await rack.add(rackMachine(1, { labels: {} }), rackMachine(2, { labels: { rack: "r1" } }));
    const request = { clusterId, members: [rackMember("w")], present: [], nodePools: plain };
    expect((await rack.provider.reserve(request)).machines.map((each) => each.mac)).toEqual([rackMac(2)]);
    const again = { ...request, members: [rackMember("w2")] };
    await expect(rack.provider.reserve(again)).rejects.toMatchObject({
      errors: [{ pointer: "/workers", detail: "Expected 1 free machines with label rack=r1, got 0 of 1" }],
    });
    const machines: ClusterMachines = { install: false };
    expect((await rack.provider.reserve({ ...again, machines })).machines[0]?.mac).toBe(rackMac(1));
  });

  it("names what a node pool lacks, in the request for the cluster or for more workers", async () => {
    await rack.add(rackMachine(1, { hardware: disks(100) }));
    const request = { clusterId, members: [pool("g")], nodePools };
    const detail = "Expected 1 free machines with label gpu=yes, got 0 of 1";
    await expect(rack.provider.reserve(request)).rejects.toMatchObject({
      code: "no-capacity",
      errors: [{ pointer: "/nodePools/0/machines/labels/gpu", detail }],
    });
    await expect(rack.provider.reserve({ ...request, present: [] })).rejects.toMatchObject({
      errors: [{ pointer: "/workers", detail }],
    });
  });
});
