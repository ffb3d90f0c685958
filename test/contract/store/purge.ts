import { describe, expect, it, vi } from "vitest";
import type { NewAuditEntry } from "#api/audit.ts";
import type { ClusterRecord } from "../../../metadata-server/store/records.ts";
import { clusterEvent, createClusterRecord, createMemberRecord } from "./samples.ts";
import { readCluster, secretBytes, type Context } from "./subject.ts";
import { patience } from "../../fixtures/patience.ts";

const start = 1_700_000_000_000;

const creation: NewAuditEntry = {
  at: "2026-01-02T03:04:05.678Z",
  action: "cluster-create",
  outcome: "allowed",
  actor: "api",
  from: "127.0.0.1",
  clusterId: "c-1",
  member: null,
};

const nothing = { cluster: undefined, members: [], clusterSecret: undefined, memberSecrets: [], events: [] };

const hashesOf = (id: string) => [`live-${id}`, `spent-${id}`, `report-${id}`];

/** Tests that deleted clusters can be forgotten for good. */
export function describePurge(context: Context): void {
  /** Creates a cluster with one record of every kind. */
  const create = (cluster: Partial<ClusterRecord> & { id: string }) =>
    context.store.commit({
      clusters: [createClusterRecord(cluster)],
      members: [
        createMemberRecord({
          clusterId: cluster.id,
          name: "node01",
          capabilityHash: `live-${cluster.id}`,
          spentCapabilityHash: `spent-${cluster.id}`,
          reportTokenHash: `report-${cluster.id}`,
        }),
      ],
      secrets: [
        { clusterId: cluster.id, member: null, sealed: secretBytes("authorities") },
        { clusterId: cluster.id, member: "node01", sealed: secretBytes("credentials") },
      ],
      events: [{ clusterId: cluster.id, event: clusterEvent("created") }],
      idempotency: {
        key: `key-${cluster.id}`,
        requestHash: "hash",
        clusterId: cluster.id,
        expiresAt: Number.MAX_SAFE_INTEGER,
      },
      audit: [{ ...creation, clusterId: cluster.id }],
    });
  const createDeleted = (id: string, deletedAt = start) =>
    create({ id, name: "build126", state: "deleted", deletedAt });

  describe("purge", () => {
    it("finds clusters deleted before a time, oldest deletion first, up to the limit", async () => {
      await createDeleted("c-3", start + 3);
      await createDeleted("c-1", start + 1);
      await createDeleted("c-2", start + 2);
      await create({ id: "c-4" });
      expect(await context.store.deletedBefore(start + 3, 10)).toEqual(["c-1", "c-2"]);
      expect(await context.store.deletedBefore(start + 4, 2)).toEqual(["c-1", "c-2"]);
      expect(await context.store.deletedBefore(start + 1, 10)).toEqual([]);
    });

    it("finds a cluster once it is deleted, and no longer once it is purged, also after a restart", async () => {
      await create({ id: "c-1" });
      expect(await context.store.deletedBefore(start + 1, 10)).toEqual([]);
      const cluster = (await context.store.cluster("c-1"))!;
      await context.store.commit({ clusters: [{ ...cluster, state: "deleted", deletedAt: start }] });
      expect(await context.store.deletedBefore(start + 1, 10)).toEqual(["c-1"]);
      await context.store.commit({ purge: ["c-1"] });
      expect(await context.store.deletedBefore(start + 1, 10)).toEqual([]);
      await context.reopen();
      expect(await context.store.deletedBefore(start + 1, 10)).toEqual([]);
      expect(await readCluster(context.store, "c-1")).toEqual(nothing);
    });

    it("removes all data of a purged cluster, and none of another cluster with the same name", async () => {
      await createDeleted("c-1");
      await createDeleted("c-2");
      for (const hash of hashesOf("c-1")) expect((await context.store.memberByKey(hash))?.clusterId).toBe("c-1");
      const other = await readCluster(context.store, "c-2");
      await context.store.commit({ purge: ["c-1"] });
      expect(await readCluster(context.store, "c-1")).toEqual(nothing);
      expect(await context.store.member("c-1", "node01")).toBeUndefined();
      expect(await context.store.memberNames("c-1")).toEqual([]);
      expect(await context.store.secret({ clusterId: "c-1", member: "node01" })).toBeUndefined();
      for (const hash of hashesOf("c-1")) expect(await context.store.memberByKey(hash)).toBeUndefined();
      expect(await context.store.idempotency("key-c-1")).toBeUndefined();
      expect((await context.store.clusters({ limit: 10 })).map(({ id }) => id)).toEqual(["c-2"]);
      expect((await context.store.clusters({ limit: 10, name: "build126" })).map(({ id }) => id)).toEqual(["c-2"]);
      expect(await readCluster(context.store, "c-2")).toEqual(other);
      for (const hash of hashesOf("c-2")) expect((await context.store.memberByKey(hash))?.clusterId).toBe("c-2");
      expect(await context.store.idempotency("key-c-2")).toMatchObject({ clusterId: "c-2" });
    });

    it("keeps the audit entries of a purged cluster", async () => {
      await createDeleted("c-1");
      await context.store.commit({ purge: ["c-1"] });
      expect(await context.store.audit({ after: 0, limit: 10 })).toMatchObject([{ sequence: 1, clusterId: "c-1" }]);
    });

    it("frees the tokens, key and id of a purged cluster", async () => {
      await createDeleted("c-1");
      await context.store.commit({ purge: ["c-1"] });
      await createDeleted("c-1", start + 5);
      expect(await context.store.cluster("c-1")).toMatchObject({ version: 1, deletedAt: start + 5 });
      expect((await context.store.events("c-1", 0, 10)).map(({ sequence }) => sequence)).toEqual([1]);
    });

    it.for(["pending", "ready", "failed", "deleting"] as const)(
      "refuses to purge a cluster that is %s, and writes nothing else of the commit",
      async (state) => {
        await createDeleted("c-1");
        await create({ id: "c-2", state });
        const before = [await readCluster(context.store, "c-1"), await readCluster(context.store, "c-2")];
        await expect(context.store.commit({ purge: ["c-1", "c-2"] })).rejects.toMatchObject({
          name: "StoreConflict",
          reason: "stale",
          message: `Cannot purge cluster c-2: it is ${state}, not deleted`,
        });
        expect([await readCluster(context.store, "c-1"), await readCluster(context.store, "c-2")]).toEqual(before);
        expect((await context.store.memberByKey("live-c-1"))?.clusterId).toBe("c-1");
      },
    );

    it("accepts the purge of a cluster that is unknown or already purged", async () => {
      await createDeleted("c-1");
      await context.store.commit({ purge: ["c-none", "c-1", "c-1"] });
      await context.store.commit({ purge: ["c-1"] });
      expect(await readCluster(context.store, "c-1")).toEqual(nothing);
    });

    it("calls the listeners of a purged cluster", async () => {
      const listener = vi.fn<() => void>();
      context.store.watch("c-1", listener);
      await createDeleted("c-1");
      await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(1), patience);
      await context.store.commit({ purge: ["c-1"] });
      await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(2), patience);
    });
  });
}
