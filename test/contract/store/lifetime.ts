import { describe, expect, it, vi } from "vitest";
import { inventory } from "../../../metadata-server/store/store.ts";
import { clusterEvent, createClusterRecord, createMachineRecord, createMemberRecord } from "./samples.ts";
import { readCluster, readSecret, secretBytes, type Context } from "./subject.ts";
import { patience } from "../../fixtures/patience.ts";

/** Tests watching, restarting and closing. */
export function describeLifetime(context: Context): void {
  const create = (...ids: string[]) => context.store.commit({ clusters: ids.map((id) => createClusterRecord({ id })) });
  const append = (clusterId: string) => context.store.commit({ events: [{ clusterId, event: clusterEvent("x") }] });

  /** Creates clusters and waits for the calls: over a network a late one could be taken for that of the next commit. */
  async function createHeard(...ids: string[]): Promise<void> {
    const heard = vi.fn<() => void>();
    const ends = ids.map((id) => context.store.watch(id, heard));
    await create(...ids);
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(ids.length), patience);
    for (const end of ends) end();
  }

  describe("the id of the key", () => {
    it("stays the one that was claimed first, also after a restart", async () => {
      expect(await context.store.claimKeyId("1122334455667788")).toBe("1122334455667788");
      expect(await context.store.claimKeyId("99aabbccddeeff00")).toBe("1122334455667788");
      await create("c-1");
      await context.reopen();
      expect(await context.store.claimKeyId("99aabbccddeeff00")).toBe("1122334455667788");
      expect(await context.store.machines({ limit: 10 })).toEqual([]);
      expect(await context.store.approvalRules()).toBeUndefined();
    });
  });

  describe("watch", () => {
    it("calls a listener after each commit that touches its cluster, once the change can be read", async () => {
      const { store } = context;
      const seen: Promise<number | undefined>[] = [];
      store.watch("c-1", () => seen.push(store.cluster("c-1").then((cluster) => cluster?.version)));
      await create("c-1");
      await vi.waitFor(() => expect(seen).toHaveLength(1), patience);
      expect(await seen[0]).toBe(1);
      await store.commit({ members: [createMemberRecord({ clusterId: "c-1", name: "node01" })] });
      await vi.waitFor(() => expect(seen).toHaveLength(2), patience);
      await store.commit({ secrets: [{ clusterId: "c-1", member: null, sealed: secretBytes("x") }] });
      await vi.waitFor(() => expect(seen).toHaveLength(3), patience);
      await append("c-1");
      await vi.waitFor(() => expect(seen).toHaveLength(4), patience);
    });

    it("does not call a listener for other clusters, for refused commits, or after its end", async () => {
      await createHeard("c-1", "c-2");
      const [ofFirst, ofSecond, ended] = [vi.fn<() => void>(), vi.fn<() => void>(), vi.fn<() => void>()];
      context.store.watch("c-1", ofFirst);
      context.store.watch("c-2", ofSecond);
      const end = context.store.watch("c-2", ended);
      end();
      end();
      await expect(create("c-1")).rejects.toMatchObject({ reason: "stale" });
      await append("c-2");
      await vi.waitFor(() => expect(ofSecond).toHaveBeenCalledTimes(1), patience);
      expect(ofFirst).not.toHaveBeenCalled();
      expect(ended).not.toHaveBeenCalled();
    });

    it("calls a listener of the inventory after each commit that adds, changes or removes machines", async () => {
      await createHeard("c-1");
      const listener = vi.fn<() => void>();
      context.store.watch(inventory, listener);
      await append("c-1");
      const machine = createMachineRecord({ id: "m-1", macs: ["52:54:00:00:00:01"] });
      await context.store.commit({ machines: [machine] });
      await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(1), patience);
      await context.store.commit({ removedMachines: [{ id: machine.id, version: 1 }] });
      await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(2), patience);
    });

    it("counts a listener that is given twice as two", async () => {
      await createHeard("c-1");
      const listener = vi.fn<() => void>();
      const end = context.store.watch("c-1", listener);
      context.store.watch("c-1", listener);
      end();
      await append("c-1");
      await vi.waitFor(() => expect(listener).toHaveBeenCalledTimes(1), patience);
    });

    it("a listener that throws harms neither the commit nor the other listeners", async () => {
      await createHeard("c-1");
      const other = vi.fn<() => void>();
      context.store.watch("c-1", () => {
        throw new Error("listener is broken");
      });
      context.store.watch("c-1", other);
      await append("c-1");
      await vi.waitFor(() => expect(other).toHaveBeenCalledTimes(1), patience);
      expect(await context.store.events("c-1", 0, 10)).toHaveLength(1);
    });

    it("a listener that watches again when it is called is not called twice for the same commit", async () => {
      await createHeard("c-1");
      const calls = vi.fn<() => void>();
      const { store } = context;
      const watchOnce = () => {
        const end = store.watch("c-1", () => {
          end();
          calls();
          watchOnce();
        });
      };
      watchOnce();
      await append("c-1");
      await vi.waitFor(() => expect(calls).toHaveBeenCalledTimes(1), patience);
      await append("c-1");
      await vi.waitFor(() => expect(calls).toHaveBeenCalledTimes(2), patience);
    });
  });

  describe("restart", () => {
    it("keeps all data over a restart, and the next commit builds on it", async () => {
      await context.store.commit({
        clusters: [createClusterRecord({ id: "c-1" })],
        members: [
          createMemberRecord({ clusterId: "c-1", name: "cp01", role: "control-plane", first: true }),
          createMemberRecord({ clusterId: "c-1", name: "node01" }),
        ],
        secrets: [
          { clusterId: "c-1", member: null, sealed: secretBytes("authorities") },
          { clusterId: "c-1", member: "cp01", sealed: secretBytes("credentials") },
        ],
        events: [{ clusterId: "c-1", event: clusterEvent("created") }],
      });
      const before = await readCluster(context.store, "c-1");
      expect(before).toMatchObject({ clusterSecret: "authorities", memberSecrets: ["credentials", undefined] });
      await context.reopen();
      expect(await readCluster(context.store, "c-1")).toEqual(before);
      await context.store.commit({
        clusters: [{ ...before.cluster!, state: "ready" }],
        events: [{ clusterId: "c-1", event: clusterEvent("ready") }],
      });
      expect(await context.store.cluster("c-1")).toMatchObject({ state: "ready", version: 2 });
      expect((await context.store.events("c-1", 0, 10)).map(({ sequence }) => sequence)).toEqual([1, 2]);
    });

    it("close writes every commit made before it", async () => {
      const commits = Array.from({ length: 100 }, (_, index) =>
        context.store.commit({ clusters: [createClusterRecord({ id: `c-${index}` })] }),
      );
      await context.reopen();
      await Promise.all(commits);
      expect(await context.store.clusters({ limit: 1000 })).toHaveLength(100);
    });

    it("an erased store is closed, and is empty when it is opened again", async () => {
      await context.store.commit({
        clusters: [createClusterRecord({ id: "c-1" })],
        members: [createMemberRecord({ clusterId: "c-1", name: "node01" })],
        secrets: [{ clusterId: "c-1", member: null, sealed: secretBytes("authorities") }],
        idempotency: { key: "key-1", requestHash: "hash", clusterId: "c-1", expiresAt: Number.MAX_SAFE_INTEGER },
      });
      await context.store.erase();
      await expect(context.store.check()).rejects.toThrow(/it is closed$/);
      await context.reopen();
      expect(await context.store.clusters({ limit: 10 })).toEqual([]);
      expect(await readSecret(context.store, { clusterId: "c-1", member: null })).toBeUndefined();
      expect(await context.store.idempotency("key-1")).toBeUndefined();
    });

    it("a closed store refuses reads, commits and checks, and can be closed again", async () => {
      const { store } = context;
      await store.check();
      await store.close();
      await store.close();
      await expect(store.check()).rejects.toThrow(/it is closed$/);
      await expect(store.cluster("c-1")).rejects.toThrow(/it is closed$/);
      await expect(store.commit({ clusters: [createClusterRecord({ id: "c-1" })] })).rejects.toThrow(/it is closed$/);
      await context.reopen();
      expect(await context.store.clusters({ limit: 10 })).toEqual([]);
    });
  });
}
