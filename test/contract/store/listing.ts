import { describe, expect, it } from "vitest";
import type { ClusterRecord } from "../../../metadata-server/store/records.ts";
import type { ClusterQuery } from "../../../metadata-server/store/store.ts";
import { createClusterRecord, createMemberRecord } from "./samples.ts";
import type { Context } from "./subject.ts";

const createdAt = 1_700_000_000_000;

const plannedMember = (name: string) =>
  createMemberRecord({ clusterId: "c-1", name, role: name.startsWith("cp") ? "control-plane" : "worker" });

/** Tests lists and their order. */
export function describeListing(context: Context): void {
  const create = (...clusters: (Partial<ClusterRecord> & { id: string })[]) =>
    context.store.commit({ clusters: clusters.map((cluster) => createClusterRecord(cluster)) });
  const ids = async (query: ClusterQuery) => (await context.store.clusters(query)).map(({ id }) => id);

  describe("listing", () => {
    it("lists clusters newest first, in whatever order they were stored", async () => {
      await create({ id: "c-1", createdAt: createdAt + 1 });
      await create({ id: "c-3", createdAt: createdAt + 3 }, { id: "c-2", createdAt: createdAt + 2 });
      expect(await ids({ limit: 10 })).toEqual(["c-3", "c-2", "c-1"]);
    });

    it("pages clusters without a gap or a repetition, even those of the same millisecond", async () => {
      const clusters = Array.from({ length: 25 }, (_, index) => ({
        id: `c-${String(index).padStart(2, "0")}`,
        createdAt: createdAt + Math.floor(index / 10),
      }));
      await create(...clusters.toReversed());
      const seen: string[] = [];
      for (let after: string | undefined; ; after = seen.at(-1)) {
        const page = await ids({ limit: 4, ...(after !== undefined && { after }) });
        if (page.length === 0) break;
        seen.push(...page);
      }
      expect(seen).toEqual(clusters.map(({ id }) => id).toReversed());
    });

    it("returns an empty page after an unknown cluster", async () => {
      await create({ id: "c-1" });
      expect(await ids({ limit: 10, after: "c-none" })).toEqual([]);
    });

    it("selects clusters by states and name, together and with paging", async () => {
      await create({ id: "c-1", name: "a", state: "deleted", createdAt: createdAt + 1 });
      await create({ id: "c-2", name: "a", state: "deleted", createdAt: createdAt + 2 });
      await create({ id: "c-3", name: "a", state: "ready", createdAt: createdAt + 3 });
      await create({ id: "c-4", name: "b", state: "failed", createdAt: createdAt + 4 });
      expect(await ids({ limit: 10, states: ["ready", "failed"] })).toEqual(["c-4", "c-3"]);
      expect(await ids({ limit: 10, states: [] })).toEqual([]);
      expect(await ids({ limit: 10, name: "a" })).toEqual(["c-3", "c-2", "c-1"]);
      expect(await ids({ limit: 10, name: "a", states: ["deleted"] })).toEqual(["c-2", "c-1"]);
      expect(await ids({ limit: 10, name: "a", states: ["deleted"], after: "c-2" })).toEqual(["c-1"]);
      expect(await ids({ limit: 1, states: ["deleted", "failed"] })).toEqual(["c-4"]);
      expect(await ids({ limit: 10, name: "%" })).toEqual([]);
    });

    it("moves a cluster whose state changes to the list of its new state", async () => {
      await create({ id: "c-1" });
      const cluster = (await context.store.cluster("c-1"))!;
      await context.store.commit({ clusters: [{ ...cluster, state: "ready" }] });
      expect(await ids({ limit: 10, states: ["pending"] })).toEqual([]);
      expect(await ids({ limit: 10, states: ["ready"] })).toEqual(["c-1"]);
      expect(await context.store.cluster("c-1")).toMatchObject({ state: "ready", version: 2 });
    });

    it("refuses two live clusters with the same name", async () => {
      await create({ id: "c-1", name: "build126" });
      await expect(create({ id: "c-2", name: "build126" })).rejects.toMatchObject({
        reason: "name-taken",
        message: "Cannot store cluster c-2: the name build126 belongs to another cluster",
      });
      expect(await ids({ limit: 10 })).toEqual(["c-1"]);
    });

    it("frees the name of a deleted cluster until another cluster uses it", async () => {
      await create({ id: "c-1", name: "build126" });
      const first = (await context.store.cluster("c-1"))!;
      await context.store.commit({ clusters: [{ ...first, state: "deleted" }] });
      await create({ id: "c-2", name: "build126" });
      await expect(create({ id: "c-3", name: "build126" })).rejects.toMatchObject({ reason: "name-taken" });
      const revived = { ...first, version: 2, state: "pending" } as const;
      await expect(context.store.commit({ clusters: [revived] })).rejects.toMatchObject({ reason: "name-taken" });
      expect(await context.store.cluster("c-1")).toMatchObject({ state: "deleted", version: 2 });
    });

    it("lists control planes first, then workers, each in the order they were planned", async () => {
      const plan = ["cp02", "cp01", "node02", "node10", "node01"];
      await context.store.commit({ clusters: [createClusterRecord({ id: "c-1" })], members: plan.map(plannedMember) });
      await context.store.commit({ members: [plannedMember("node00"), plannedMember("cp00")] });
      const second = (await context.store.member("c-1", "cp02"))!;
      await context.store.commit({ members: [{ ...second, state: "launched" }] });
      const names = (await context.store.members("c-1")).map(({ name }) => name);
      expect(await context.store.memberNames("c-1")).toEqual(names);
      expect(names).toEqual(["cp02", "cp01", "cp00", "node02", "node10", "node01", "node00"]);
    });

    it("keeps members with the same name in two clusters apart", async () => {
      await create({ id: "c-1" }, { id: "c-2" });
      await context.store.commit({
        members: [
          createMemberRecord({ clusterId: "c-1", name: "node01", address: "10.77.0.1" }),
          createMemberRecord({ clusterId: "c-2", name: "node01", address: "10.77.0.2" }),
        ],
      });
      expect((await context.store.member("c-1", "node01"))?.address).toBe("10.77.0.1");
      expect((await context.store.members("c-2")).map(({ address }) => address)).toEqual(["10.77.0.2"]);
    });

    it("stores a cluster of 5,000 members in one commit and reads it whole", async () => {
      const members = Array.from({ length: 5000 }, (_, index) =>
        createMemberRecord({ clusterId: "c-1", name: `node${String(index).padStart(4, "0")}` }),
      );
      await context.store.commit({ clusters: [createClusterRecord({ id: "c-1", nodes: 5000 })], members });
      expect(await context.store.members("c-1")).toEqual(members.map((member) => ({ ...member, version: 1 })));
      expect((await context.store.memberByKey(members[4321]!.capabilityHash!))?.name).toBe("node4321");
    });
  });
}
