import { describe, expect, it } from "vitest";
import type { MemberRecord } from "../records.ts";
import { createClusterRecord, createMemberRecord } from "./samples.ts";
import type { Context } from "./subject.ts";

/** A member is found by the hash of whichever token it has now. */
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
  const found = async (hash: string) => (await context.store.memberByTokenHash(hash))?.name;

  describe("tokens", () => {
    it("a member is found by its live capability, its spent one and its report token", async () => {
      await create({ spentCapabilityHash: "spent", reportTokenHash: "report" });
      const member = await context.store.member("c-1", "node01");
      for (const hash of ["capability", "spent", "report"])
        expect(await context.store.memberByTokenHash(hash)).toEqual(member);
    });

    it("a capability that becomes the spent one still finds the member, as does the new report token", async () => {
      await create();
      await change({ capabilityHash: null, spentCapabilityHash: "capability", reportTokenHash: "report" });
      expect(await context.store.memberByTokenHash("capability")).toMatchObject({
        capabilityHash: null,
        spentCapabilityHash: "capability",
        version: 2,
      });
      expect(await found("report")).toBe("node01");
    });

    it("a replaced token finds nobody any more", async () => {
      await create({ reportTokenHash: "first report" });
      // Looked up before, so that a driver that remembers must forget.
      expect(await found("capability")).toBe("node01");
      expect(await found("first report")).toBe("node01");
      await change({ capabilityHash: "second capability", reportTokenHash: "second report" });
      expect(await found("capability")).toBeUndefined();
      expect(await found("first report")).toBeUndefined();
      expect(await found("second capability")).toBe("node01");
      expect(await found("second report")).toBe("node01");
    });

    it("a token of a member can pass to another one in one commit", async () => {
      await create();
      expect(await found("capability")).toBe("node01");
      const member = (await context.store.member("c-1", "node01"))!;
      const heir = createMemberRecord({ clusterId: "c-1", name: "node02", capabilityHash: "capability" });
      await context.store.commit({ members: [{ ...member, capabilityHash: null }, heir] });
      expect(await found("capability")).toBe("node02");
    });

    it("a change that leaves the tokens alone shows in what they find", async () => {
      await create();
      expect(await context.store.memberByTokenHash("capability")).toMatchObject({ lastSequence: 0 });
      await change({ lastSequence: 3 });
      expect(await context.store.memberByTokenHash("capability")).toMatchObject({ lastSequence: 3, version: 2 });
    });

    it("a refused change does not show in what a token finds", async () => {
      await create();
      const member = (await context.store.memberByTokenHash("capability"))!;
      await expect(
        context.store.commit({ members: [{ ...member, version: 7, lastSequence: 3 }] }),
      ).rejects.toMatchObject({
        reason: "stale",
      });
      expect(await context.store.memberByTokenHash("capability")).toEqual(member);
    });

    it("a member without tokens is found by none", async () => {
      await create({ capabilityHash: null });
      expect(await found("null")).toBeUndefined();
      expect(await found("")).toBeUndefined();
    });
  });
}
