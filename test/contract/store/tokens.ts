import { describe, expect, it } from "vitest";
import type { MemberRecord } from "../../../metadata-server/store/records.ts";
import { createClusterRecord, createMemberRecord } from "./samples.ts";
import type { Context } from "./subject.ts";

/** Tests that the hash of every token that a member has now finds the member. */
export function describeTokens(context: Context): void {
  const create = (overrides: Partial<MemberRecord> = {}) =>
    context.store.commit({
      clusters: [createClusterRecord({ id: "c-1" })],
      members: [createMemberRecord({ clusterId: "c-1", name: "node01", capabilityHash: "capability", ...overrides })],
    });
  const change = async (overrides: Partial<MemberRecord>) => {
    const member = (await context.store.member("c-1", "node01"))!;
    await context.store.commit({ members: [{ ...member, ...overrides }] });
  };
  const found = async (hash: string) => (await context.store.memberByKey(hash))?.name;

  describe("tokens", () => {
    it("finds a member by its live capability, its spent one and its report token", async () => {
      await create({ spentCapabilityHash: "spent", reportTokenHash: "report" });
      const member = await context.store.member("c-1", "node01");
      for (const hash of ["capability", "spent", "report"])
        expect(await context.store.memberByKey(hash)).toEqual(member);
    });

    it("finds a member by a capability that has been spent, and by the new report token", async () => {
      await create();
      await change({ capabilityHash: null, spentCapabilityHash: "capability", reportTokenHash: "report" });
      expect(await context.store.memberByKey("capability")).toMatchObject({
        capabilityHash: null,
        spentCapabilityHash: "capability",
        version: 2,
      });
      expect(await found("report")).toBe("node01");
    });

    it("does not find a member by a replaced token", async () => {
      await create({ reportTokenHash: "first report" });
      // They are looked up before the change, so that a driver with a cache must forget them.
      expect(await found("capability")).toBe("node01");
      expect(await found("first report")).toBe("node01");
      await change({ capabilityHash: "second capability", reportTokenHash: "second report" });
      expect(await found("capability")).toBeUndefined();
      expect(await found("first report")).toBeUndefined();
      expect(await found("second capability")).toBe("node01");
      expect(await found("second report")).toBe("node01");
    });

    it("moves a token from one member to another in one commit", async () => {
      await create();
      expect(await found("capability")).toBe("node01");
      const member = (await context.store.member("c-1", "node01"))!;
      const heir = createMemberRecord({ clusterId: "c-1", name: "node02", capabilityHash: "capability" });
      await context.store.commit({ members: [{ ...member, capabilityHash: null }, heir] });
      expect(await found("capability")).toBe("node02");
    });

    it("finds a changed member by tokens that did not change", async () => {
      await create();
      expect(await context.store.memberByKey("capability")).toMatchObject({ lastSequence: 0 });
      await change({ lastSequence: 3 });
      expect(await context.store.memberByKey("capability")).toMatchObject({ lastSequence: 3, version: 2 });
    });

    it("finds a member unchanged by its token after a refused change", async () => {
      await create();
      const member = (await context.store.memberByKey("capability"))!;
      await expect(
        context.store.commit({ members: [{ ...member, version: 7, lastSequence: 3 }] }),
      ).rejects.toMatchObject({
        reason: "stale",
      });
      expect(await context.store.memberByKey("capability")).toEqual(member);
    });

    it("gives an address key to one member, until that member has another or its cluster is forgotten", async () => {
      const key = "c-1/192.0.2.6";
      await create({ addressKey: key });
      expect(await found(key)).toBe("node01");
      const other = createMemberRecord({ clusterId: "c-1", name: "node02", addressKey: key });
      await expect(context.store.commit({ members: [other] })).rejects.toMatchObject({ reason: "stale" });
      expect(await context.store.member("c-1", "node02")).toBeUndefined();
      await change({ addressKey: null });
      expect(await found(key)).toBeUndefined();
      await context.store.commit({ members: [other] });
      expect(await found(key)).toBe("node02");
      const cluster = (await context.store.cluster("c-1"))!;
      await context.store.commit({ clusters: [{ ...cluster, state: "deleted", deletedAt: 1 }] });
      await context.store.commit({ purge: ["c-1"] });
      expect(await found(key)).toBeUndefined();
    });

    it("does not find a member without tokens", async () => {
      await create({ capabilityHash: null });
      expect(await found("null")).toBeUndefined();
      expect(await found("")).toBeUndefined();
    });
  });
}
