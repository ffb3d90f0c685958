import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createMemberRecord } from "../../test/contract/store/samples.ts";
import { knownNeighbours, pickNeighbours } from "./neighbours.ts";

const nodes = (controlPlanes: number, workers: number) => [
  ...Array.from({ length: controlPlanes }, (_, index) => ({ name: `cp${index}`, role: "control-plane" as const })),
  ...Array.from({ length: workers }, (_, index) => ({ name: `node${index}`, role: "worker" as const })),
];

describe("pickNeighbours", () => {
  it("lets three different workers check each worker, and none check itself", () => {
    const picked = pickNeighbours(nodes(0, 100), randomBytes);
    const lookedAt = [...picked.values()].flat();
    for (const [name, neighbours] of picked) {
      expect(new Set(neighbours).size).toBe(3);
      expect(neighbours).not.toContain(name);
      expect(lookedAt.filter((neighbour) => neighbour === name)).toHaveLength(3);
    }
  });

  it.each([
    [1, 0, 0, 0],
    [1, 1, 1, 0],
    [1, 2, 2, 1],
    [3, 3, 3, 2],
    [3, 9, 3, 3],
  ])(
    "gives in a cluster of %i control planes and %i workers the control planes %i neighbours and the workers %i",
    (...counts) => {
      const [controlPlanes, workers, ofControlPlane, ofWorker] = counts;
      const picked = pickNeighbours(nodes(controlPlanes, workers), randomBytes);
      for (const [name, neighbours] of picked) {
        expect(neighbours.every((neighbour) => neighbour.startsWith("node"))).toBe(true);
        expect(new Set(neighbours).size).toBe(name.startsWith("cp") ? ofControlPlane : ofWorker);
      }
    },
  );

  it("picks other neighbours for another cluster", () => {
    const picks = Array.from({ length: 20 }, () => pickNeighbours(nodes(1, 50), randomBytes).get("node0")?.join(" "));
    expect(new Set(picks).size).toBeGreaterThan(1);
  });
});

describe("knownNeighbours", () => {
  const looked: string[] = [];
  const store = {
    member: async (clusterId: string, name: string) => {
      looked.push(name);
      return createMemberRecord({ clusterId, name, address: name === "node2" ? "10.0.0.2" : null });
    },
  };
  it("takes addresses from the plan or the members, and leaves out neighbours whose address is unknown", async () => {
    const neighbours = [
      { name: "node1", address: "10.0.0.1" },
      { name: "node2", address: null },
      { name: "node3", address: null },
    ];
    expect(await knownNeighbours(store, { clusterId: "c-1", neighbours })).toEqual([
      { name: "node1", address: "10.0.0.1" },
      { name: "node2", address: "10.0.0.2" },
    ]);
    expect(looked).toEqual(["node2", "node3"]);
  });

  it("returns none for a member that was planned before neighbours existed", async () => {
    expect(await knownNeighbours(store, { clusterId: "c-1" })).toEqual([]);
  });
});
