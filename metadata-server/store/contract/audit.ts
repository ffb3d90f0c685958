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

/** The audit log: numbered without gaps over the whole server, bounded, and never without its decision. */
export function describeAudit(context: Context): void {
  const append = (...details: string[]) => context.store.commit({ audit: details.map(entry) });
  const read = async (after = 0, limit = 100_000) =>
    (await context.store.audit({ after, limit })).map(({ sequence, detail }) => [sequence, detail]);

  describe("audit log", () => {
    it("is empty at first", async () => {
      expect(await read()).toEqual([]);
    });

    it("an entry is kept as it is, with its sequence; it needs no cluster", async () => {
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

    it("entries are read after a sequence, oldest first, no more than asked for", async () => {
      await append("a", "b");
      await append("c", "d");
      expect(await read(1, 2)).toEqual([
        [2, "b"],
        [3, "c"],
      ]);
      expect(await read(4)).toEqual([]);
      expect(await read(99)).toEqual([]);
    });

    it("an entry is there with its decision, and a refused one leaves neither entry nor gap", async () => {
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

    it("concurrent commits number their entries without gaps, each commit's together and in its order", async () => {
      await Promise.all(Array.from({ length: 50 }, (_, index) => append(`${index} first`, `${index} second`)));
      const entries = await read();
      expect(entries.map(([sequence]) => sequence)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
      for (let index = 0; index < entries.length; index += 2)
        expect(entries[index + 1]?.[1]).toBe(String(entries[index]?.[1]).replace("first", "second"));
    });

    it("beyond the bound the oldest are dropped and numbering goes on, also after a restart", async () => {
      const bound = context.limits.maxAuditEntries;
      await append(...Array.from({ length: bound + 5 }, (_, index) => String(index + 1)));
      const numbered = (from: number) =>
        Array.from({ length: bound }, (_, index) => [from + index, String(from + index)]);
      expect(await read()).toEqual(numbered(6));
      await context.reopen();
      await append(String(bound + 6));
      expect(await read()).toEqual(numbered(7));
    });
  });
}
