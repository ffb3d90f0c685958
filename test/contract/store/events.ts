import { describe, expect, it } from "vitest";
import type { NewEvent } from "#api/event.ts";
import { clusterEvent, createClusterRecord } from "./samples.ts";
import type { Context } from "./subject.ts";

/** Tests the timeline of each cluster: numbered without gaps, and bounded. */
export function describeEvents(context: Context): void {
  const create = (...ids: string[]) => context.store.commit({ clusters: ids.map((id) => createClusterRecord({ id })) });
  const append = (clusterId: string, ...messages: string[]) =>
    context.store.commit({ events: messages.map((message) => ({ clusterId, event: clusterEvent(message) })) });
  const read = async (clusterId: string, after = 0, limit = 100_000) =>
    (await context.store.events(clusterId, after, limit)).map((event) => [
      event.sequence,
      "message" in event ? event.message : undefined,
    ]);

  describe("events", () => {
    it("keeps an event of each kind as given, with its sequence", async () => {
      await create("c-1");
      const at = "2026-01-02T03:04:05.678Z";
      const events: NewEvent[] = [
        { type: "cluster", at, state: "failed", message: 'line\nbreak "quoted" ☸' },
        { type: "member", at, member: "node01", state: "launched" },
        { type: "phase", at, member: "node01", phase: "kubelet", state: "done", durationMs: 1234.5 },
        { type: "alert", at, member: "node01", code: "wrong-machine", message: "another machine" },
      ];
      await context.store.commit({ events: events.map((event) => ({ clusterId: "c-1", event })) });
      const expected = events.map((event, index) => ({ sequence: index + 1, ...event }));
      expect(await context.store.events("c-1", 0, 10)).toEqual(expected);
    });

    it("numbers the events of every cluster from 1", async () => {
      await create("c-1", "c-2");
      await append("c-1", "a", "b");
      await append("c-2", "c");
      await append("c-1", "d");
      expect(await read("c-1")).toEqual([
        [1, "a"],
        [2, "b"],
        [3, "d"],
      ]);
      expect(await read("c-2")).toEqual([[1, "c"]]);
    });

    it("returns events after a sequence, oldest first, up to the limit", async () => {
      await create("c-1");
      await append("c-1", "a", "b", "c", "d");
      expect(await read("c-1", 1, 2)).toEqual([
        [2, "b"],
        [3, "c"],
      ]);
      expect(await read("c-1", 4)).toEqual([]);
      expect(await read("c-1", 99)).toEqual([]);
    });

    it("numbers the events of concurrent commits without gaps, each commit's together and in its order", async () => {
      await create("c-1");
      await Promise.all(Array.from({ length: 50 }, (_, index) => append("c-1", `${index} first`, `${index} second`)));
      const events = await read("c-1");
      expect(events.map(([sequence]) => sequence)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
      for (let index = 0; index < events.length; index += 2) {
        const first = String(events[index]?.[1]);
        expect(first).toMatch(/ first$/);
        expect(events[index + 1]?.[1]).toBe(first.replace("first", "second"));
      }
    });

    it("leaves no gap in the numbers after a refused commit", async () => {
      await create("c-1");
      await append("c-1", "a");
      await expect(
        context.store.commit({
          events: [{ clusterId: "c-1", event: clusterEvent("refused") }],
          clusters: [createClusterRecord({ id: "c-1", version: 9 })],
        }),
      ).rejects.toMatchObject({ reason: "stale" });
      await append("c-1", "b");
      expect(await read("c-1")).toEqual([
        [1, "a"],
        [2, "b"],
      ]);
    });

    it("drops the oldest events beyond the limit and continues the numbers, also after a restart", async () => {
      await create("c-1", "c-2");
      const bound = context.limits.maxEventsPerCluster;
      await append("c-2", "of another cluster");
      await append("c-1", ...Array.from({ length: bound + 5 }, (_, index) => String(index + 1)));
      const numbered = (from: number) =>
        Array.from({ length: bound }, (_, index) => [from + index, String(from + index)]);
      expect(await read("c-1")).toEqual(numbered(6));
      await context.reopen();
      await append("c-1", String(bound + 6));
      expect(await read("c-1")).toEqual(numbered(7));
      expect(await read("c-2")).toEqual([[1, "of another cluster"]]);
    });
  });
}
