import { describe, expect, it } from "vitest";
import { createClusterRecord, createMemberRecord } from "../contract/samples.ts";
import { createRecordCache } from "./record-cache.ts";

const member = createMemberRecord({ clusterId: "c-1", name: "node01", capabilityHash: "capability" });
const unexpected = () => {
  throw new Error("read although it was remembered");
};

describe("createRecordCache", () => {
  it("reads once, until a change touches the member", () => {
    const cache = createRecordCache();
    expect(cache.memberByTokenHash("capability", () => structuredClone(member))).toEqual(member);
    expect(cache.memberByTokenHash("capability", unexpected)).toEqual(member);
    cache.forget({ members: [{ ...member, capabilityHash: null }] });
    expect(cache.memberByTokenHash("capability", () => undefined)).toBeUndefined();
  });

  it("does not remember that there is nobody", () => {
    const cache = createRecordCache();
    expect(cache.memberByTokenHash("capability", () => undefined)).toBeUndefined();
    expect(cache.memberByTokenHash("capability", () => structuredClone(member))).toEqual(member);
  });

  it("hands out records that nobody can change for the others", () => {
    const cache = createRecordCache();
    const cluster = cache.cluster("c-1", () => createClusterRecord({ id: "c-1" }));
    expect(() => {
      cluster!.labels["team"] = "another";
    }).toThrow(TypeError);
  });

  it("stays within its limit", () => {
    const cache = createRecordCache(2);
    let reads = 0;
    const ask = (hash: string) =>
      cache.memberByTokenHash(hash, () => {
        reads += 1;
        return { ...structuredClone(member), name: hash };
      });
    for (const hash of ["a", "b", "c", "a"]) expect(ask(hash)?.name).toBe(hash);
    expect(reads).toBe(4);
  });
});
