import { describe, expect, it, vi } from "vitest";
import type { MemberRecord } from "../../../metadata-server/store/records.ts";
import { patience } from "../../fixtures/patience.ts";
import { createClusterRecord, createMemberRecord } from "./samples.ts";
import { type Context, readCluster, secretBytes } from "./subject.ts";

const stale = { name: "StoreConflict", reason: "stale" };
const clusterId = "c-1";

const worker = (name: string, overrides: Partial<MemberRecord> = {}) =>
  createMemberRecord({
    clusterId,
    name,
    capabilityHash: null,
    spentCapabilityHash: `spent-${name}`,
    reportTokenHash: `report-${name}`,
    addressKey: `${clusterId}/10.77.0.${Number(name.slice(4)) + 20}`,
    ...overrides,
  });
const keysOf = ({ spentCapabilityHash, reportTokenHash, addressKey }: MemberRecord) =>
  [spentCapabilityHash, reportTokenHash, addressKey ?? null].filter((key) => key !== null);
const remove = (name: string, version = 1) => ({ removedMembers: [{ clusterId, name, version }] });

/** Tests that one member of a live cluster can be forgotten for good. */
export function describeRemovedMembers(context: Context): void {
  const create = (...names: string[]) =>
    context.store.commit({
      clusters: [createClusterRecord({ id: clusterId })],
      members: [
        createMemberRecord({ clusterId, name: "cp01", role: "control-plane" }),
        ...names.map((name) => worker(name)),
      ],
      secrets: [null, ...names].map((member) => ({ clusterId, member, sealed: secretBytes(`of ${member}`) })),
    });

  describe("removed members", () => {
    it("leave with their secret and their tokens, and change no other member", async () => {
      await create("node01", "node02");
      const before = await readCluster(context.store, clusterId);
      for (const key of keysOf(worker("node01"))) expect(await context.store.memberByKey(key)).toBeDefined();
      await context.store.commit(remove("node01"));
      for (const reopened of [false, true]) {
        if (reopened) await context.reopen();
        expect(await context.store.member(clusterId, "node01")).toBeUndefined();
        expect(await context.store.secret({ clusterId, member: "node01" })).toBeUndefined();
        for (const key of keysOf(worker("node01"))) expect(await context.store.memberByKey(key)).toBeUndefined();
        expect(await context.store.memberNames(clusterId)).toEqual(["cp01", "node02"]);
        expect(await readCluster(context.store, clusterId)).toEqual({
          ...before,
          members: before.members.filter(({ name }) => name !== "node01"),
          memberSecrets: [undefined, "of node02"],
        });
        for (const key of keysOf(worker("node02")))
          expect(await context.store.memberByKey(key)).toMatchObject({ name: "node02" });
      }
    });

    it("leave the order of the others: control planes, then workers, each as they were added", async () => {
      await create("node01", "node02", "node03");
      await context.store.commit(remove("node02"));
      await context.store.commit({ members: [worker("node05"), worker("node04")] });
      await context.store.commit({
        members: [createMemberRecord({ clusterId, name: "cp02", role: "control-plane" })],
        ...remove("node01"),
      });
      await context.store.commit({ members: [worker("node06")] });
      expect(await context.store.memberNames(clusterId)).toEqual([
        "cp01",
        "cp02",
        "node03",
        "node05",
        "node04",
        "node06",
      ]);
    });

    it("give their address and tokens to a member that comes with the same commit", async () => {
      await create("node01");
      const { addressKey = null, reportTokenHash } = worker("node01");
      await context.store.commit({
        ...remove("node01"),
        members: [worker("node02", { addressKey, reportTokenHash })],
      });
      expect(await context.store.memberByKey(addressKey ?? "")).toMatchObject({ name: "node02" });
      expect(await context.store.memberByKey(reportTokenHash ?? "")).toMatchObject({ name: "node02" });
    });

    it("can be added again under the same name, as a new record", async () => {
      await create("node01");
      await context.store.commit(remove("node01"));
      await context.store.commit({ members: [worker("node01")] });
      expect(await context.store.member(clusterId, "node01")).toMatchObject({ version: 1 });
      expect(await context.store.secret({ clusterId, member: "node01" })).toBeUndefined();
    });

    it.for([
      { title: "another version than the stored one", name: "node01", version: 2 },
      { title: "a member that is not there", name: "node09", version: 1 },
    ])("leave nothing written of a commit that is stale for $title", async ({ name, version }) => {
      await create("node01");
      const before = await readCluster(context.store, clusterId);
      const change = { ...remove(name, version), members: [worker("node02")] };
      await expect(context.store.commit(change)).rejects.toMatchObject(stale);
      expect(await readCluster(context.store, clusterId)).toEqual(before);
      expect(await context.store.memberByKey("report-node01")).toMatchObject({ name: "node01" });
    });

    it("make a second removal stale", async () => {
      await create("node01");
      await context.store.commit(remove("node01"));
      await expect(context.store.commit(remove("node01"))).rejects.toMatchObject(stale);
    });

    it("call the listeners of their cluster", async () => {
      const listener = vi.fn<() => void>();
      await create("node01");
      context.store.watch(clusterId, listener);
      await context.store.commit(remove("node01"));
      await vi.waitFor(() => expect(listener).toHaveBeenCalled(), patience);
    });
  });
}
