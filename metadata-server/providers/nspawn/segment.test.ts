import { describe, expect, it } from "vitest";
import { parseSubnet } from "#lib/subnet.ts";
import { isFree, planMachines, serverAddress } from "./segment.ts";

const network = parseSubnet("10.77.0.0/16");
const workers = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `node${index}.test`, role: "worker" as const }));

describe("planMachines", () => {
  it("assigns addresses from .11 on, and MACs that contain them", () => {
    expect(planMachines(workers(2), { bridge: "sprout7", network })).toEqual([
      { name: "node0.test", role: "worker", address: "10.77.7.11", mac: "0a:58:0a:4d:07:0b" },
      { name: "node1.test", role: "worker", address: "10.77.7.12", mac: "0a:58:0a:4d:07:0c" },
    ]);
  });

  it("assigns neither the broadcast address nor one of the next segment at its limit", () => {
    expect(planMachines(workers(240), { bridge: "sprout249", network }).at(-1)?.address).toBe("10.77.249.250");
  });

  it("gives further machines addresses that no present one has", () => {
    const present = ["10.77.7.11", "10.77.7.13"].map((address) => ({ address }));
    const planned = planMachines(workers(2), { bridge: "sprout7", present, network });
    expect(planned.map(({ address }) => address)).toEqual(["10.77.7.12", "10.77.7.14"]);
    expect(() => planMachines(workers(239), { bridge: "sprout7", present, network })).toThrow("Cannot place 241");
  });

  it("refuses more machines than a segment holds", () => {
    expect(() => planMachines(workers(241), { bridge: "sprout0", network })).toThrow(
      "Cannot place 241 machines: the nspawn provider has room for 240 in a cluster",
    );
  });

  it("keeps the server's address off every segment", () => {
    expect(serverAddress(network)).toBe("10.77.255.254");
  });
});

describe("isFree", () => {
  it("returns false for a subnet that the host already routes: whole, in part, or within a wider one", () => {
    for (const route of ["10.77.3.0/24", "10.77.3.128/25", "10.77.3.9", "10.77.0.0/16"])
      expect({ route, free: isFree(parseSubnet("10.77.3.0/24"), [parseSubnet(route)]) }).toEqual({
        route,
        free: false,
      });
    const others = ["10.77.2.0/24", "10.77.4.0/24", "192.168.0.0/16"];
    expect(isFree(parseSubnet("10.77.3.0/24"), others.map(parseSubnet))).toBe(true);
  });
});
