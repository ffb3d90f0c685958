import { describe, expect, it } from "vitest";
import { StoreConflict } from "../../../metadata-server/store/store.ts";
import { clusterEvent, createClusterRecord, createMemberRecord } from "./samples.ts";
import { readCluster, secretBytes, type Context } from "./subject.ts";

const stale = { name: "StoreConflict", reason: "stale" };

/** Tests that a record is replaced only at the version that was read. */
export function describeVersions(context: Context): void {
  describe("versions", () => {
    it("stores a new record as given, with version 1", async () => {
      const cluster = createClusterRecord({ id: "c-1" });
      const member = createMemberRecord({ clusterId: "c-1", name: "node01" });
      await context.store.commit({ clusters: [cluster], members: [member] });
      expect(await context.store.cluster("c-1")).toEqual({ ...cluster, version: 1 });
      expect(await context.store.member("c-1", "node01")).toEqual({ ...member, version: 1 });
      expect([cluster.version, member.version]).toEqual([0, 0]);
    });

    it("gives a record the next version whenever it is committed again", async () => {
      await context.store.commit({ clusters: [createClusterRecord({ id: "c-1" })] });
      for (const state of ["provisioning", "bootstrapping", "ready"] as const) {
        const read = await context.store.cluster("c-1");
        await context.store.commit({ clusters: [{ ...read!, state }] });
      }
      expect(await context.store.cluster("c-1")).toMatchObject({ state: "ready", version: 4 });
    });

    it("returns undefined or an empty list for an unknown record", async () => {
      const { store } = context;
      expect(await store.cluster("c-none")).toBeUndefined();
      expect(await store.member("c-none", "node01")).toBeUndefined();
      expect(await store.members("c-none")).toEqual([]);
      expect(await store.memberByKey("none")).toBeUndefined();
      expect(await store.secret({ clusterId: "c-none", member: null })).toBeUndefined();
      expect(await store.idempotency("none")).toBeUndefined();
      expect(await store.events("c-none", 0, 10)).toEqual([]);
      expect(await store.clusters({ limit: 10 })).toEqual([]);
    });

    it.for([
      { title: "a cluster that exists already", version: 0 },
      { title: "an older version of a cluster", version: 1 },
      { title: "a future version of a cluster", version: 3 },
    ])("refuses $title as stale and changes nothing", async ({ version }) => {
      await context.store.commit({ clusters: [createClusterRecord({ id: "c-1" })] });
      await context.store.commit({ clusters: [createClusterRecord({ id: "c-1", version: 1 })] });
      const before = await readCluster(context.store, "c-1");
      const change = createClusterRecord({ id: "c-1", state: "failed", version });
      await expect(context.store.commit({ clusters: [change] })).rejects.toMatchObject(stale);
      expect(await readCluster(context.store, "c-1")).toEqual(before);
    });

    it.for([
      { title: "a member that exists already", version: 0 },
      { title: "another version of a member", version: 7 },
    ])("refuses $title as stale and changes nothing", async ({ version }) => {
      const member = createMemberRecord({ clusterId: "c-1", name: "node01" });
      await context.store.commit({ clusters: [createClusterRecord({ id: "c-1" })], members: [member] });
      const before = await readCluster(context.store, "c-1");
      const change = { ...member, version, frozen: true, capabilityHash: "other" };
      await expect(context.store.commit({ members: [change] })).rejects.toMatchObject(stale);
      expect(await readCluster(context.store, "c-1")).toEqual(before);
      expect(await context.store.memberByKey("other")).toBeUndefined();
      expect(await context.store.memberByKey(member.capabilityHash!)).toEqual({ ...member, version: 1 });
    });

    it("refuses a version of a cluster that does not exist as stale", async () => {
      const change = createClusterRecord({ id: "c-1", version: 1 });
      await expect(context.store.commit({ clusters: [change] })).rejects.toMatchObject(stale);
      expect(await context.store.clusters({ limit: 10 })).toEqual([]);
    });

    it("refuses with a StoreConflict that names the record and the fix", async () => {
      await context.store.commit({ clusters: [createClusterRecord({ id: "c-1" })] });
      const conflict = context.store.commit({ clusters: [createClusterRecord({ id: "c-1", version: 5 })] });
      await expect(conflict).rejects.toThrow(StoreConflict);
      await expect(conflict).rejects.toThrow(
        "Cannot store cluster c-1: version 5 is not the stored one; read it and decide again",
      );
    });

    it("exactly one of many concurrent commits on one record succeeds", async () => {
      await context.store.commit({ clusters: [createClusterRecord({ id: "c-1" })] });
      const read = (await context.store.cluster("c-1"))!;
      const attempts = await Promise.allSettled(
        Array.from({ length: 100 }, (_, index) =>
          context.store.commit({
            clusters: [{ ...read, labels: { winner: String(index) } }],
            events: [{ clusterId: "c-1", event: clusterEvent(String(index)) }],
          }),
        ),
      );
      const winners = [...attempts.keys()].filter((index) => attempts[index]?.status === "fulfilled");
      expect(winners).toHaveLength(1);
      const reasons = attempts.flatMap((attempt) => (attempt.status === "rejected" ? [attempt.reason.reason] : []));
      expect(reasons).toEqual(Array.from({ length: 99 }, () => "stale"));
      const after = await readCluster(context.store, "c-1");
      expect(after.cluster).toMatchObject({ labels: { winner: String(winners[0]) }, version: 2 });
      expect(after.events).toEqual([{ sequence: 1, ...clusterEvent(String(winners[0])) }]);
    });

    it("ignores what the caller changes in its objects after it has called commit", async () => {
      const cluster = createClusterRecord({ id: "c-1" });
      const sealed = secretBytes("sealed");
      const done = context.store.commit({
        clusters: [cluster],
        secrets: [{ clusterId: "c-1", member: null, sealed }],
      });
      cluster.labels["team"] = "other";
      sealed.fill(0);
      await done;
      const after = await readCluster(context.store, "c-1");
      expect(after.cluster?.labels["team"]).toBe("checkout");
      expect(after.clusterSecret).toBe("sealed");
    });
  });
}
