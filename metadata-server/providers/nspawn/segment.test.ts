import { describe, expect, it } from "vitest";
import { isFree, planMachines, serverAddress } from "./segment.ts";

const workers = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `node${index}.test`, role: "worker" as const }));

describe("planMachines", () => {
  it("gives addresses from .11 on, and MACs that say them", () => {
    expect(planMachines("sprout7", workers(2), "10.77")).toEqual([
      { name: "node0.test", role: "worker", address: "10.77.7.11", mac: "0a:58:0a:4d:07:0b" },
      { name: "node1.test", role: "worker", address: "10.77.7.12", mac: "0a:58:0a:4d:07:0c" },
    ]);
  });

  it("never gives out the broadcast or a neighbour's address at its limit", () => {
    expect(planMachines("sprout249", workers(240), "10.77").at(-1)?.address).toBe("10.77.249.250");
  });

  it("refuses more machines than a segment holds", () => {
    expect(() => planMachines("sprout0", workers(241), "10.77")).toThrow(
      "Cannot place 241 machines: the nspawn provider has room for 240 in a cluster",
    );
  });

  it("keeps the server's address off every segment", () => {
    expect(serverAddress("10.77")).toBe("10.77.255.254");
  });
});

describe("isFree", () => {
  it("refuses a subnet that the host already routes, as a whole, in part, or as part of a wider one", () => {
    for (const route of ["10.77.3.0/24", "10.77.3.128/25", "10.77.3.9", "10.77.0.0/16"])
      expect({ route, free: isFree("10.77.3.0/24", [route]) }).toEqual({ route, free: false });
    expect(isFree("10.77.3.0/24", ["10.77.2.0/24", "10.77.4.0/24", "192.168.0.0/16"])).toBe(true);
  });
});
