import { describe, expect, it } from "vitest";
import type { MachineRecord } from "../../../metadata-server/store/machine-record.ts";
import type { Changes, MachineQuery } from "../../../metadata-server/store/store.ts";
import { createClusterRecord, createMachineRecord } from "./samples.ts";
import type { Context } from "./subject.ts";

const createdAt = 1_700_000_000_000;
const mac = (index: number) => `52:54:00:aa:${hex(Math.floor(index / 256))}:${hex(index % 256)}`;
const hex = (value: number) => value.toString(16).padStart(2, "0");
const machine = (index: number, overrides: Partial<MachineRecord> = {}) =>
  createMachineRecord({
    id: `m-${String(index).padStart(3, "0")}`,
    macs: [mac(index)],
    createdAt: createdAt + index,
    ...overrides,
  });

/** Tests the inventory of machines and the rules of automatic approval. */
export function describeMachines(context: Context): void {
  const create = (...machines: MachineRecord[]) => context.store.commit({ machines });
  const ids = async (query: MachineQuery) => (await context.store.machines(query)).map(({ id }) => id);
  const crowded = async (limit: number) => (await context.store.mostCrowded(limit)).map(({ id }) => id);
  const read = async (id: string) => (await context.store.machine(id))!;

  describe("machines", () => {
    it("stores a machine as given, and finds it by its id and each of its MACs, also after a restart", async () => {
      const stored = machine(1, { macs: [mac(1), mac(2)] });
      await create(stored);
      await context.reopen();
      const { store } = context;
      for (const found of [
        await store.machine("m-001"),
        ...(await Promise.all(stored.macs.map((each) => store.machineByMac(each)))),
      ])
        expect(found).toEqual({ ...stored, version: 1 });
      expect(await store.machine("m-none")).toBeUndefined();
      expect(await store.machineByMac(mac(3))).toBeUndefined();
      expect(await store.machines({ limit: 10 })).toEqual([{ ...stored, version: 1 }]);
    });

    it.for([0, 1, 3])(
      "refuses a commit at version %i of a machine at version 2 as stale, and changes nothing",
      async (version) => {
        await create(machine(1));
        await create({ ...(await read("m-001")), labels: {} });
        const before = await read("m-001");
        const changes = { machines: [machine(2), { ...before, state: "refused" as const, macs: [mac(9)], version }] };
        await expect(context.store.commit(changes)).rejects.toMatchObject({
          reason: "stale",
          message:
            version === 0
              ? "Cannot create machine m-001: it exists already; read it and decide again"
              : `Cannot store machine m-001: version ${version} is not the stored one; read it and decide again`,
        });
        expect(await context.store.machines({ limit: 10 })).toEqual([before]);
        expect(await context.store.machineByMac(mac(2))).toBeUndefined();
        expect(await context.store.machineByMac(mac(9))).toBeUndefined();
      },
    );

    it("refuses two machines with the same MAC, in one commit or in two", async () => {
      await create(machine(1, { macs: [mac(1), mac(2)] }));
      const refusal = {
        reason: "mac-taken",
        message: `Cannot store machine m-003: the MAC ${mac(2)} belongs to another machine`,
      };
      const other = machine(3, { macs: [mac(3), mac(2)] });
      await expect(create(other)).rejects.toMatchObject(refusal);
      await expect(create(machine(2, { macs: [mac(5)] }), machine(4, { macs: [mac(5)] }))).rejects.toMatchObject({
        reason: "mac-taken",
      });
      expect(await ids({ limit: 10 })).toEqual(["m-001"]);
      expect(await context.store.machineByMac(mac(3))).toBeUndefined();
      await create({ ...(await read("m-001")), macs: [mac(1)] });
      await create(other);
      expect((await context.store.machineByMac(mac(2)))?.id).toBe("m-003");
    });

    it("refuses one of two commits that take the same machine at once", async () => {
      await create(machine(1));
      const found = await read("m-001");
      const take = (clusterId: string) => create({ ...found, state: "assigned", assignment: assignment(clusterId) });
      const outcomes = await Promise.allSettled([take("c-1"), take("c-2")]);
      expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
      expect(await ids({ limit: 10, clusterId: "c-1" })).toEqual(["m-001"]);
      expect(await ids({ limit: 10, clusterId: "c-2" })).toEqual([]);
    });

    it("commits a machine and a cluster together or not at all", async () => {
      const cluster = createClusterRecord({ id: "c-1" });
      await context.store.commit({ clusters: [cluster], machines: [machine(1)] });
      const changes: Changes = { clusters: [{ ...cluster, version: 1, state: "ready" }], machines: [machine(1)] };
      await expect(context.store.commit(changes)).rejects.toMatchObject({ reason: "stale" });
      expect(await context.store.cluster("c-1")).toMatchObject({ state: "pending", version: 1 });
    });

    it("removes a machine from every list, and frees its MACs", async () => {
      await create(machine(1, { state: "seen" }), machine(2));
      await expect(context.store.commit({ removedMachines: [{ id: "m-001", version: 2 }] })).rejects.toMatchObject({
        reason: "stale",
      });
      await expect(context.store.commit({ removedMachines: [{ id: "m-none", version: 0 }] })).rejects.toMatchObject({
        reason: "stale",
      });
      expect(await ids({ limit: 10 })).toEqual(["m-002", "m-001"]);
      await context.store.commit({
        removedMachines: [{ id: "m-001", version: 1 }],
        machines: [machine(7, { macs: [mac(1)] })],
      });
      expect(await context.store.machine("m-001")).toBeUndefined();
      expect((await context.store.machineByMac(mac(1)))?.id).toBe("m-007");
      expect(await ids({ limit: 10 })).toEqual(["m-007", "m-002"]);
      expect(await ids({ limit: 10, states: ["seen"] })).toEqual([]);
      expect(await context.store.countMachines("seen")).toBe(0);
      expect(await crowded(10)).toEqual([]);
    });

    it("selects machines by states, identity and labels, together and with paging", async () => {
      await create(
        machine(1, { labels: { rack: "r1", zone: "a" } }),
        machine(2, { labels: { rack: "r1", zone: "b" }, uuid: null, lastSeenFrom: null }),
        machine(3, { labels: { rack: "r2" }, state: "seen", lastSeenFrom: "10.99.0.51" }),
        machine(4, { labels: {}, state: "assigned", assignment: assignment("c-1") }),
      );
      expect(await ids({ limit: 10 })).toEqual(["m-004", "m-003", "m-002", "m-001"]);
      expect(await ids({ limit: 10, states: ["free", "seen"] })).toEqual(["m-003", "m-002", "m-001"]);
      expect(await ids({ limit: 10, states: [] })).toEqual([]);
      expect(await ids({ limit: 10, labels: { rack: "r1" } })).toEqual(["m-002", "m-001"]);
      expect(await ids({ limit: 10, labels: { rack: "r1", zone: "a" } })).toEqual(["m-001"]);
      expect(await ids({ limit: 10, labels: { rack: "r" } })).toEqual([]);
      expect(await ids({ limit: 10, uuid: "4c4c4544-0051-3010-8053-b6c04f4a4732" })).toEqual([
        "m-004",
        "m-003",
        "m-001",
      ]);
      expect(await ids({ limit: 10, from: "10.99.0.51" })).toEqual(["m-003"]);
      expect(await ids({ limit: 10, clusterId: "c-1" })).toEqual(["m-004"]);
      expect(await ids({ limit: 10, allocation: "a-of-c-1" })).toEqual(["m-004"]);
      expect(await ids({ limit: 1, labels: { rack: "r1" } })).toEqual(["m-002"]);
      expect(await ids({ limit: 1, labels: { rack: "r1" }, states: ["free"], after: "m-002" })).toEqual(["m-001"]);
      expect(await ids({ limit: 10, after: "m-none" })).toEqual([]);
    });

    it("finds a changed machine by its new values, not by its old ones", async () => {
      await create(machine(1, { state: "seen", labels: { rack: "r1" } }));
      await create({
        ...(await read("m-001")),
        state: "free",
        labels: { rack: "r2" },
        uuid: null,
        lastSeenFrom: "10.0.0.9",
      });
      expect(await ids({ limit: 10, labels: { rack: "r1" } })).toEqual([]);
      expect(await ids({ limit: 10, uuid: "4c4c4544-0051-3010-8053-b6c04f4a4732" })).toEqual([]);
      expect(await ids({ limit: 10, labels: { rack: "r2" }, from: "10.0.0.9", states: ["free"] })).toEqual(["m-001"]);
      expect(await context.store.countMachines("seen")).toBe(0);
      expect(await context.store.countMachines("free")).toBe(1);
    });

    it("pages machines without a gap, even 1,200 of the same millisecond with the same label", async () => {
      const all = Array.from({ length: 1200 }, (_, index) => machine(index, { createdAt, labels: { lot: "1" } }));
      await create(...all);
      const seen: string[] = [];
      for (let after: string | undefined; ; after = seen.at(-1)) {
        const page = await ids({ limit: 500, labels: { lot: "1" }, states: ["free"], ...(after && { after }) });
        if (page.length === 0) break;
        seen.push(...page);
      }
      expect(seen).toEqual(
        all
          .map(({ id }) => id)
          .toSorted()
          .toReversed(),
      );
    });

    it("lists machines that wait for approval at the address with most of them, the longest unseen first", async () => {
      const waiting = (index: number, lastSeenFrom: string | null, seenAfter: number) =>
        machine(index, { state: "seen", lastSeenFrom, lastSeenAt: createdAt + seenAfter });
      expect(await crowded(10)).toEqual([]);
      await create(
        waiting(1, "10.0.0.1", 30),
        waiting(2, "10.0.0.1", 10),
        machine(3, { state: "free", lastSeenFrom: "10.0.0.1", lastSeenAt: createdAt }),
        waiting(4, "10.0.0.1", 20),
        waiting(5, "10.0.0.2", 1),
        waiting(6, null, 2),
        ...[7, 8, 9].map((index) => machine(index, { state: "free", lastSeenFrom: "10.0.0.2" })),
      );
      expect(await crowded(2)).toEqual(["m-002", "m-004"]);
      await create({ ...(await read("m-002")), lastSeenAt: createdAt + 40 });
      expect(await crowded(10)).toEqual(["m-004", "m-001", "m-002"]);
      expect(await crowded(0)).toEqual([]);
      for (const id of ["m-001", "m-004"]) await create({ ...(await read(id)), state: "free" });
      expect(await crowded(10)).toEqual(["m-005"]);
      await create(waiting(10, null, 3));
      expect(await crowded(10)).toEqual(["m-006", "m-010"]);
    });

    it("replaces approval rules as one document, only at the version that was read", async () => {
      expect(await context.store.approvalRules()).toBeUndefined();
      const rules = [{ macPrefix: "52:54:00", labels: { lab: "yes" } }];
      await context.store.commit({ approvalRules: { rules, version: 0 } });
      expect(await context.store.approvalRules()).toEqual({ rules, version: 1 });
      await expect(context.store.commit({ approvalRules: { rules: [], version: 0 } })).rejects.toMatchObject({
        reason: "stale",
        message: "Cannot create document approval-rules: it exists already; read it and decide again",
      });
      await context.store.commit({ approvalRules: { rules: [], version: 1 } });
      await context.reopen();
      expect(await context.store.approvalRules()).toEqual({ rules: [], version: 2 });
    });
  });
}

const assignment = (clusterId: string) => ({
  clusterId,
  member: "node01.build126.sprout.internal",
  allocation: `a-of-${clusterId}`,
  install: false,
  installedAt: null,
});
