import { describe, expect, it } from "vitest";
import type { Changes } from "../../../metadata-server/store/store.ts";
import { clusterEvent, createClusterRecord, createMemberRecord } from "./samples.ts";
import { readCluster, readSecret, secretBytes, type Context } from "./subject.ts";

const stored = (): Changes => ({
  clusters: [createClusterRecord({ id: "c-1", name: "build126" })],
  members: [
    createMemberRecord({ clusterId: "c-1", name: "node01" }),
    createMemberRecord({ clusterId: "c-1", name: "node08" }),
  ],
  secrets: [
    { clusterId: "c-1", member: null, sealed: secretBytes("authorities") },
    { clusterId: "c-1", member: "node01", sealed: secretBytes("credentials") },
  ],
  events: [{ clusterId: "c-1", event: clusterEvent("created") }],
  idempotency: { key: "key-1", requestHash: "hash-1", clusterId: "c-1", expiresAt: Number.MAX_SAFE_INTEGER },
});

/** Changes that machines.ts tests. */
type InventoryChange = "machines" | "removedMachines" | "approvalRules";

/** Returns one valid change of every kind, to a stored cluster and to a new one. */
const everyKind = (): Required<Omit<Changes, "idempotency" | "purge" | "lease" | InventoryChange>> => ({
  clusters: [
    createClusterRecord({ id: "c-1", name: "build126", state: "ready", version: 1 }),
    createClusterRecord({ id: "c-2" }),
  ],
  members: [
    createMemberRecord({
      clusterId: "c-1",
      name: "node01",
      capabilityHash: null,
      spentCapabilityHash: "spent",
      reportTokenHash: "report",
      version: 1,
    }),
    createMemberRecord({ clusterId: "c-2", name: "node01", capabilityHash: "live" }),
  ],
  removedMembers: [{ clusterId: "c-1", name: "node08", version: 1 }],
  secrets: [
    { clusterId: "c-1", member: "node01", sealed: null },
    { clusterId: "c-1", member: null, sealed: secretBytes("replaced") },
    { clusterId: "c-2", member: null, sealed: secretBytes("new") },
  ],
  events: [
    { clusterId: "c-1", event: clusterEvent("ready") },
    { clusterId: "c-2", event: clusterEvent("created") },
  ],
  audit: [
    {
      at: "2026-01-02T03:04:05.678Z",
      action: "confirm",
      outcome: "allowed",
      actor: "node node01",
      from: "10.77.0.12",
      clusterId: "c-1",
      member: "node01",
    },
  ],
});

const refused: { title: string; error: object; last: Changes }[] = [
  {
    title: "a stale cluster",
    error: { reason: "stale" },
    last: { clusters: [createClusterRecord({ id: "c-3", version: 1 })] },
  },
  {
    title: "a taken name",
    error: { reason: "name-taken" },
    last: { clusters: [createClusterRecord({ id: "c-3", name: "build126" })] },
  },
  {
    title: "a stale member",
    error: { reason: "stale" },
    last: { members: [createMemberRecord({ clusterId: "c-1", name: "node01" })] },
  },
  {
    title: "a member of an unknown cluster",
    error: { message: "Cannot store member node01: there is no cluster c-9" },
    last: { members: [createMemberRecord({ clusterId: "c-9", name: "node01" })] },
  },
  {
    title: "a token that another member has",
    error: { message: "Cannot store member node02: one of its tokens belongs to another member" },
    last: { members: [createMemberRecord({ clusterId: "c-1", name: "node02", capabilityHash: "live" })] },
  },
  {
    title: "a secret of an unknown cluster",
    error: { message: "Cannot store a secret: there is no cluster c-9" },
    last: { secrets: [{ clusterId: "c-9", member: null, sealed: secretBytes("x") }] },
  },
  {
    title: "an event of an unknown cluster",
    error: { message: "Cannot store an event: there is no cluster c-9" },
    last: { events: [{ clusterId: "c-9", event: clusterEvent("x") }] },
  },
  {
    title: "the purge of a cluster that is not deleted",
    error: { reason: "stale" },
    last: { purge: ["c-1"] },
  },
  {
    title: "a used idempotency key",
    error: { reason: "key-used" },
    last: { idempotency: { key: "key-1", requestHash: "hash-2", clusterId: "c-2", expiresAt: 9_999_999_999_999 } },
  },
  {
    title: "an idempotency key of an unknown cluster",
    error: { message: "Cannot store an idempotency key: there is no cluster c-9" },
    last: { idempotency: { key: "key-2", requestHash: "hash-2", clusterId: "c-9", expiresAt: 9_999_999_999_999 } },
  },
];

/** Tests that a commit is written whole or not at all. */
export function describeBatches(context: Context): void {
  describe("batches", () => {
    it("stores a commit with every kind of change whole", async () => {
      const { store } = context;
      await store.commit(stored());
      await store.commit(everyKind());
      expect(await store.cluster("c-1")).toMatchObject({ state: "ready", version: 2 });
      expect((await store.memberByKey("report"))?.name).toBe("node01");
      expect(await readSecret(store, { clusterId: "c-1", member: null })).toBe("replaced");
      expect(await readSecret(store, { clusterId: "c-1", member: "node01" })).toBeUndefined();
      expect(await readSecret(store, { clusterId: "c-2", member: null })).toBe("new");
      expect(await store.events("c-2", 0, 10)).toEqual([{ sequence: 1, ...clusterEvent("created") }]);
      expect(await store.audit({ after: 0, limit: 10 })).toMatchObject([{ sequence: 1, action: "confirm" }]);
    });

    it.for(refused)("a commit whose last change is $title leaves nothing behind", async ({ error, last }) => {
      const { store } = context;
      await store.commit(stored());
      const before = await readCluster(store, "c-1");
      const good = everyKind();
      const changes: Changes = {
        clusters: [...good.clusters, ...(last.clusters ?? [])],
        members: [...good.members, ...(last.members ?? [])],
        secrets: [...good.secrets, ...(last.secrets ?? [])],
        events: [...good.events, ...(last.events ?? [])],
        audit: good.audit,
        purge: last.purge ?? [],
        ...(last.idempotency && { idempotency: last.idempotency }),
      };
      await expect(store.commit(changes)).rejects.toMatchObject(error);
      expect(await readCluster(store, "c-1")).toEqual(before);
      expect(await readCluster(store, "c-2")).toEqual({
        cluster: undefined,
        members: [],
        clusterSecret: undefined,
        memberSecrets: [],
        events: [],
      });
      expect((await store.clusters({ limit: 10 })).map(({ id }) => id)).toEqual(["c-1"]);
      for (const hash of ["spent", "report", "live"]) expect(await store.memberByKey(hash)).toBeUndefined();
      expect(await store.audit({ after: 0, limit: 10 })).toEqual([]);
      expect(await store.idempotency("key-1")).toMatchObject({ requestHash: "hash-1" });
      expect(await store.idempotency("key-2")).toBeUndefined();
      await store.commit(everyKind());
      expect(await store.cluster("c-1")).toMatchObject({ state: "ready", version: 2 });
    });

    it("a refused commit does not undo others that are made at the same time", async () => {
      const { store } = context;
      const outcomes = await Promise.allSettled(
        Array.from({ length: 60 }, (_, index) =>
          store.commit({ clusters: [createClusterRecord({ id: `c-${index}`, name: `name-${index % 20}` })] }),
        ),
      );
      expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(20);
      const names = (await store.clusters({ limit: 100 })).map(({ name }) => name);
      expect(names.toSorted()).toEqual(Array.from({ length: 20 }, (_, index) => `name-${index}`).toSorted());
    });

    it("an empty commit changes nothing", async () => {
      await context.store.commit({});
      await context.store.commit({ clusters: [], members: [], secrets: [], events: [], audit: [], purge: [] });
      expect(await context.store.clusters({ limit: 10 })).toEqual([]);
    });
  });
}
