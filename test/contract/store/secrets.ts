import { describe, expect, it } from "vitest";
import { createClusterRecord, createMemberRecord } from "./samples.ts";
import { readSecret, secretBytes, type Context } from "./subject.ts";

/** Tests that sealed bytes are kept unchanged until they are destroyed. */
export function describeSecrets(context: Context): void {
  const put = (member: string | null, sealed: Uint8Array | null) =>
    context.store.commit({ secrets: [{ clusterId: "c-1", member, sealed }] });
  const read = (member: string | null) => readSecret(context.store, { clusterId: "c-1", member });
  const createCluster = () =>
    context.store.commit({
      clusters: [createClusterRecord({ id: "c-1" })],
      members: [createMemberRecord({ clusterId: "c-1", name: "node01" })],
    });

  describe("secrets", () => {
    it("keeps every byte of a secret", async () => {
      await createCluster();
      const sealed = Uint8Array.from({ length: 30_000 }, (_, index) => index % 256);
      await put("node01", sealed);
      expect(new Uint8Array((await context.store.secret({ clusterId: "c-1", member: "node01" }))!)).toEqual(sealed);
    });

    it("keeps an empty secret", async () => {
      await createCluster();
      await put("node01", new Uint8Array());
      expect((await context.store.secret({ clusterId: "c-1", member: "node01" }))?.byteLength).toBe(0);
    });

    it("keeps the cluster's secret apart from those of its members", async () => {
      await createCluster();
      await put(null, secretBytes("authorities"));
      await put("node01", secretBytes("credentials"));
      expect([await read(null), await read("node01"), await read("node02")]).toEqual([
        "authorities",
        "credentials",
        undefined,
      ]);
    });

    it("replaces a secret that is put again", async () => {
      await createCluster();
      await put("node01", secretBytes("a long first one"));
      await put("node01", secretBytes("second"));
      expect(await read("node01")).toBe("second");
    });

    it("removes a destroyed secret, also after a restart, and keeps the others", async () => {
      await createCluster();
      await put(null, secretBytes("authorities"));
      await put("node01", secretBytes("credentials"));
      await put("node01", null);
      expect([await read(null), await read("node01")]).toEqual(["authorities", undefined]);
      await context.reopen();
      expect([await read(null), await read("node01")]).toEqual(["authorities", undefined]);
    });

    it("accepts that a secret is destroyed twice", async () => {
      await createCluster();
      await put("node01", secretBytes("credentials"));
      await put("node01", null);
      await put("node01", null);
      expect(await read("node01")).toBeUndefined();
    });

    it("accepts a secret again after it was destroyed", async () => {
      await createCluster();
      await put("node01", null);
      await put("node01", secretBytes("again"));
      expect(await read("node01")).toBe("again");
    });
  });
}
