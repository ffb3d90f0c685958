import { describe, expect, it, vi } from "vitest";
import type { Lease } from "../../../metadata-server/store/store.ts";
import { patience } from "../../fixtures/patience.ts";
import { createClusterRecord } from "./samples.ts";
import type { Context } from "./subject.ts";

const name = "launch c-1";
const ttlMs = 60_000;

/** Tests of leases. They end by the store's own clock, so these tests wait for real. */
export function describeLeases(context: Context): void {
  const take = (holder: string, forMs = ttlMs) => context.store.takeLease({ name, holder, ttlMs: forMs });
  async function grant(holder: string, forMs = ttlMs): Promise<Lease> {
    const token = await take(holder, forMs);
    if (token === undefined) throw new Error(`${holder} did not get the lease`);
    return { name, holder, token };
  }
  const commitUnder = (lease: Lease, id: string) =>
    context.store.commit({ clusters: [createClusterRecord({ id, name: id })], lease });
  const refused = { name: "StoreConflict", reason: "lease-lost" };

  describe("leases", () => {
    it("gives a lease to one of many servers that ask at once", async () => {
      const holders = Array.from({ length: 20 }, (_, index) => `server-${index}`);
      const tokens = await Promise.all(holders.map((holder) => take(holder)));
      expect(tokens.filter((token) => token !== undefined)).toHaveLength(1);
    });

    it("gives each of two leases to another server", async () => {
      await grant("one");
      expect(await context.store.takeLease({ name: "delete c-1", holder: "other", ttlMs })).toBeGreaterThan(0);
    });

    it("prolongs a lease for its holder, with the same token", async () => {
      const lease = await grant("one", 2000);
      expect(await take("one")).toBe(lease.token);
      await new Promise((resolve) => setTimeout(resolve, 2100));
      expect(await take("other")).toBeUndefined();
    });

    it("gives a lease to another server, with a higher token, once its time has ended", async () => {
      const lease = await grant("one", 50);
      const next = await vi.waitFor(() => grant("other"), patience);
      expect(next.token).toBeGreaterThan(lease.token);
      expect(await take("one")).toBeUndefined();
    });

    it("gives a released lease to another server at once, with a higher token", async () => {
      const lease = await grant("one");
      await context.store.releaseLease(lease);
      expect((await grant("other")).token).toBeGreaterThan(lease.token);
    });

    it("does not release the lease of the next holder", async () => {
      const lease = await grant("one");
      await context.store.releaseLease(lease);
      await grant("other");
      await context.store.releaseLease(lease);
      expect(await take("one")).toBeUndefined();
    });

    it("commits under a lease that is held", async () => {
      await commitUnder(await grant("one"), "c-1");
      expect(await context.store.cluster("c-1")).toMatchObject({ version: 1 });
    });

    it("refuses a commit under a lease that another server has by now, and writes nothing of it", async () => {
      const lease = await grant("one", 50);
      await vi.waitFor(() => grant("other"), patience);
      await expect(commitUnder(lease, "c-1")).rejects.toMatchObject(refused);
      expect(await context.store.cluster("c-1")).toBeUndefined();
    });

    it("refuses a commit under a lease that has ended, even if no server has it", async () => {
      const lease = await grant("one", 50);
      const refuse = () => expect(commitUnder(lease, `c-${Math.random()}`)).rejects.toMatchObject(refused);
      await vi.waitFor(refuse, patience);
    });

    it("refuses a commit under an earlier grant to the same server", async () => {
      const lease = await grant("one");
      await context.store.releaseLease(lease);
      await grant("one");
      await expect(commitUnder(lease, "c-1")).rejects.toMatchObject(refused);
    });
  });
}
