import { describe, expect, it } from "vitest";
import type { IdempotencyRecord } from "../../../metadata-server/store/store.ts";
import { createClusterRecord } from "./samples.ts";
import type { Context } from "./subject.ts";

/** Tests that a request repeated with its key finds the cluster of the first one. */
export function describeIdempotency(context: Context): void {
  const record = (overrides: Partial<IdempotencyRecord> = {}): IdempotencyRecord => ({
    key: "key-1",
    requestHash: "hash-1",
    clusterId: "c-1",
    expiresAt: context.now() + 1000,
    ...overrides,
  });
  const create = (id: string, idempotency: IdempotencyRecord) =>
    context.store.commit({ clusters: [createClusterRecord({ id, name: "build126" })], idempotency });

  describe("idempotency keys", () => {
    it("keeps a key with its cluster, also after a restart", async () => {
      const idempotency = record();
      await create("c-1", idempotency);
      expect(await context.store.idempotency("key-1")).toEqual(idempotency);
      await context.reopen();
      expect(await context.store.idempotency("key-1")).toEqual(idempotency);
    });

    it("refuses a repeated request for its key, not for the name that its first commit took", async () => {
      await create("c-1", record());
      await expect(create("c-2", record({ clusterId: "c-2" }))).rejects.toMatchObject({ reason: "key-used" });
      expect(await context.store.cluster("c-2")).toBeUndefined();
      expect(await context.store.idempotency("key-1")).toMatchObject({ clusterId: "c-1" });
    });

    it("exactly one of many concurrent requests with the same key succeeds", async () => {
      const attempts = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) =>
          context.store.commit({
            clusters: [createClusterRecord({ id: `c-${index}` })],
            idempotency: record({ clusterId: `c-${index}` }),
          }),
        ),
      );
      expect(attempts.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      const reasons = attempts.flatMap((attempt) => (attempt.status === "rejected" ? [attempt.reason.reason] : []));
      expect(reasons).toEqual(Array.from({ length: 19 }, () => "key-used"));
      const [winner] = await context.store.clusters({ limit: 100 });
      expect(await context.store.clusters({ limit: 100 })).toHaveLength(1);
      expect(await context.store.idempotency("key-1")).toMatchObject({ clusterId: winner?.id });
    });

    it("keeps a key until it expires, not a millisecond longer, and then accepts it again", async () => {
      await create("c-1", record());
      const again = () =>
        context.store.commit({
          clusters: [createClusterRecord({ id: "c-2" })],
          idempotency: record({ clusterId: "c-2", requestHash: "hash-2" }),
        });
      context.advanceClock(999);
      expect(await context.store.idempotency("key-1")).toMatchObject({ clusterId: "c-1" });
      await expect(again()).rejects.toMatchObject({ reason: "key-used" });
      context.advanceClock(1);
      expect(await context.store.idempotency("key-1")).toBeUndefined();
      await again();
      expect(await context.store.idempotency("key-1")).toMatchObject({ clusterId: "c-2", requestHash: "hash-2" });
    });
  });
}
