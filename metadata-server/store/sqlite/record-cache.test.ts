import { describe, expect, it } from "vitest";
import { createClusterRecord, createMachineRecord, createMemberRecord } from "../../../test/contract/store/samples.ts";
import { createRecordCache } from "./record-cache.ts";

const member = createMemberRecord({ clusterId: "c-1", name: "node01", capabilityHash: "capability" });
const settled = async () => {};
const unexpected = () => {
  throw new Error("read although it was cached");
};

describe("createRecordCache", () => {
  it("reads a member once, until a change touches it", async () => {
    const cache = createRecordCache({ settled });
    expect(await cache.memberByKey("capability", () => structuredClone(member))).toEqual(member);
    expect(await cache.memberByKey("capability", unexpected)).toEqual(member);
    cache.forget({ members: [{ ...member, capabilityHash: null }] });
    expect(await cache.memberByKey("capability", () => undefined)).toBeUndefined();
  });

  it("forgets a purged cluster and its members, and no others", async () => {
    const cache = createRecordCache({ settled });
    const other = { ...member, clusterId: "c-2" };
    for (const id of ["c-1", "c-2"]) await cache.cluster(id, () => createClusterRecord({ id }));
    for (const hash of ["capability", "spent"]) await cache.memberByKey(hash, () => structuredClone(member));
    await cache.memberByKey("of c-2", () => structuredClone(other));
    cache.forget({ purge: ["c-1"] });
    expect(await cache.cluster("c-1", () => undefined)).toBeUndefined();
    for (const hash of ["capability", "spent"]) expect(await cache.memberByKey(hash, () => undefined)).toBeUndefined();
    expect((await cache.cluster("c-2", unexpected))?.id).toBe("c-2");
    expect(await cache.memberByKey("of c-2", unexpected)).toEqual(other);
  });

  it("reads a machine once for each of its MACs, until it is changed or removed", async () => {
    const cache = createRecordCache({ settled });
    const macs = ["52:54:00:aa:00:01", "52:54:00:aa:00:02"];
    const machine = createMachineRecord({ id: "m-1", macs });
    for (const changes of [{ machines: [machine] }, { removedMachines: [{ id: "m-1", version: 1 }] }]) {
      for (const mac of macs) await cache.machineByMac(mac, () => structuredClone(machine));
      for (const mac of macs) expect(await cache.machineByMac(mac, unexpected)).toEqual(machine);
      cache.forget(changes);
      for (const mac of macs) expect(await cache.machineByMac(mac, () => undefined)).toBeUndefined();
    }
  });

  it("does not remember that a token has no member", async () => {
    const cache = createRecordCache({ settled });
    expect(await cache.memberByKey("capability", () => undefined)).toBeUndefined();
    expect(await cache.memberByKey("capability", () => structuredClone(member))).toEqual(member);
  });

  it("returns frozen records, so that no caller can change them for the others", async () => {
    const cache = createRecordCache({ settled });
    const cluster = await cache.cluster("c-1", () => createClusterRecord({ id: "c-1" }));
    expect(() => {
      cluster!.labels["team"] = "another";
    }).toThrow(TypeError);
  });

  it("stays within its limit", async () => {
    const cache = createRecordCache({ settled, limit: 2 });
    let reads = 0;
    const ask = (hash: string) =>
      cache.memberByKey(hash, () => {
        reads += 1;
        return { ...structuredClone(member), name: hash };
      });
    for (const hash of ["a", "b", "c", "a"]) expect((await ask(hash))?.name).toBe(hash);
    expect(reads).toBe(4);
  });
});
