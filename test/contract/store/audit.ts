import { describe, expect, it } from "vitest";
import type { NewAuditEntry } from "#api/audit.ts";
import { clusterEvent, createClusterRecord } from "./samples.ts";
import type { Context } from "./subject.ts";

const entry = (detail: string): NewAuditEntry => ({
  at: "2026-01-02T03:04:05.678Z",
  action: "claim",
  outcome: "allowed",
  actor: "node node01.build126.sprout.internal",
  from: "10.77.0.12",
  clusterId: "c-1",
  member: "node01.build126.sprout.internal",
  detail,
});

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => [from + index, String(from + index)]);

/** Tests the audit log: numbered without gaps over the whole server, bounded, each entry stored with its decision. */
export function describeAudit(context: Context): void {
  const append = (...details: string[]) => context.store.commit({ audit: details.map(entry) });
  const read = async (after = 0, limit = 100_000) =>
    (await context.store.audit({ after, limit })).map(({ sequence, detail }) => [sequence, detail]);

  describe("audit log", () => {
    it("starts empty", async () => {
      expect(await read()).toEqual([]);
    });

    it("keeps an entry as given, with its sequence, also without a cluster", async () => {
      const refused: NewAuditEntry = {
        at: "2026-01-02T03:04:05.678Z",
        action: "refuse",
        outcome: "refused",
        actor: "unknown",
        from: null,
        clusterId: null,
        member: null,
      };
      await context.store.commit({ audit: [entry('line\nbreak "quoted" ☸'), refused] });
      expect(await context.store.audit({ after: 0, limit: 10 })).toEqual([
        { sequence: 1, ...entry('line\nbreak "quoted" ☸') },
        { sequence: 2, ...refused },
      ]);
    });

    it("returns entries after a sequence, oldest first, up to the limit", async () => {
      await append("a", "b");
      await append("c", "d");
      expect(await read(1, 2)).toEqual([
        [2, "b"],
        [3, "c"],
      ]);
      expect(await read(4)).toEqual([]);
      expect(await read(99)).toEqual([]);
    });

    it("stores an entry with its decision; a refused commit leaves neither entry nor gap", async () => {
      await append("a");
      const refused = context.store.commit({
        clusters: [createClusterRecord({ id: "c-1", version: 9 })],
        audit: [entry("refused")],
      });
      await expect(refused).rejects.toMatchObject({ reason: "stale" });
      await context.store.commit({
        clusters: [createClusterRecord({ id: "c-1" })],
        events: [{ clusterId: "c-1", event: clusterEvent("created") }],
        audit: [entry("b")],
      });
      expect(await context.store.cluster("c-1")).toMatchObject({ version: 1 });
      expect(await read()).toEqual([
        [1, "a"],
        [2, "b"],
      ]);
    });

    it("numbers the entries of concurrent commits without gaps, each commit's together and in its order", async () => {
      await Promise.all(Array.from({ length: 50 }, (_, index) => append(`${index} first`, `${index} second`)));
      const entries = await read();
      expect(entries.map(([sequence]) => sequence)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
      for (let index = 0; index < entries.length; index += 2)
        expect(entries[index + 1]?.[1]).toBe(String(entries[index]?.[1]).replace("first", "second"));
    });

    it("drops the oldest entries beyond the limit and continues the numbers, also after a restart", async () => {
      const bound = context.limits.maxAuditEntries;
      await append(...Array.from({ length: bound + 5 }, (_, index) => String(index + 1)));
      expect(await read()).toEqual(numbered(6, bound + 5));
      await context.reopen();
      await append(String(bound + 6));
      expect(await read()).toEqual(numbered(7, bound + 6));
    });

    it("writes entries out before it drops them, in order, and twice at most after a restart", async () => {
      const bound = context.limits.maxAuditEntries;
      const written = () => context.writtenOut.map(({ sequence, detail }) => [sequence, detail]);
      await append(...Array.from({ length: bound }, (_, index) => String(index + 1)));
      expect(written()).toEqual([]);
      await Promise.all([1, 2, 3, 4].map((more) => append(String(bound + more))));
      const [oldest] = (await read())[0] ?? [];
      expect(oldest).toBe(5);
      expect(written().slice(0, 4)).toEqual(numbered(1, 4));
      expect(written()).toEqual(numbered(1, written().length));
      await context.reopen();
      await append(String(bound + 5));
      expect(written()).toContainEqual([5, "5"]);
      expect(context.writtenOut.find(({ sequence }) => sequence === 5)).toEqual({ sequence: 5, ...entry("5") });
    });
  });
}
