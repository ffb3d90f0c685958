import { describe, expect, it } from "vitest";
import { createClusterRecord, createMachineRecord, createMemberRecord } from "../../../test/contract/store/samples.ts";
import { createRecordCache } from "./record-cache.ts";

const member = createMemberRecord({ clusterId: "c-1", name: "node01", capabilityHash: "capability" });
const unexpected = () => {
  throw new Error("read although it was cached");
};

describe("createRecordCache", () => {
  it("reads a member once, until a change touches it", () => {
    const cache = createRecordCache();
    expect(cache.memberByTokenHash("capability", () => structuredClone(member))).toEqual(member);
    expect(cache.memberByTokenHash("capability", unexpected)).toEqual(member);
    cache.forget({ members: [{ ...member, capabilityHash: null }] });
    expect(cache.memberByTokenHash("capability", () => undefined)).toBeUndefined();
  });

  it("forgets a purged cluster and its members, and no others", () => {
    const cache = createRecordCache();
    const other = { ...member, clusterId: "c-2" };
    for (const id of ["c-1", "c-2"]) cache.cluster(id, () => createClusterRecord({ id }));
    for (const hash of ["capability", "spent"]) cache.memberByTokenHash(hash, () => structuredClone(member));
    cache.memberByTokenHash("of c-2", () => structuredClone(other));
    cache.forget({ purge: ["c-1"] });
    expect(cache.cluster("c-1", () => undefined)).toBeUndefined();
    for (const hash of ["capability", "spent"]) expect(cache.memberByTokenHash(hash, () => undefined)).toBeUndefined();
    expect(cache.cluster("c-2", unexpected)?.id).toBe("c-2");
    expect(cache.memberByTokenHash("of c-2", unexpected)).toEqual(other);
  });

  it("reads a machine once for each of its MACs, until it is changed or removed", () => {
    const cache = createRecordCache();
    const macs = ["52:54:00:aa:00:01", "52:54:00:aa:00:02"];
    const machine = createMachineRecord({ id: "m-1", macs });
    for (const changes of [{ machines: [machine] }, { removedMachines: [{ id: "m-1", version: 1 }] }]) {
      for (const mac of macs) cache.machineByMac(mac, () => structuredClone(machine));
      for (const mac of macs) expect(cache.machineByMac(mac, unexpected)).toEqual(machine);
      cache.forget(changes);
      for (const mac of macs) expect(cache.machineByMac(mac, () => undefined)).toBeUndefined();
    }
  });

  it("does not remember that a token has no member", () => {
    const cache = createRecordCache();
    expect(cache.memberByTokenHash("capability", () => undefined)).toBeUndefined();
    expect(cache.memberByTokenHash("capability", () => structuredClone(member))).toEqual(member);
  });

  it("returns frozen records, so that no caller can change them for the others", () => {
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
