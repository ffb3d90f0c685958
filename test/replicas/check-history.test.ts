import { describe, expect, it } from "vitest";
import type { Event } from "#api/event.ts";
import { checkHistory, type History } from "./check-history.ts";

const at = "2026-01-01T00:00:00.000Z";
const states = ["pending", "provisioning", "bootstrapping", "ready"] as const;

function createEvents(): Event[] {
  const events: Event[] = states.map((state, index) => ({ type: "cluster", sequence: index + 1, at, state }));
  const phase = { type: "phase", member: "cp01", phase: "network", state: "done", at } as const;
  return [...events, { ...phase, sequence: events.length + 1 }];
}

const member = (id: string) =>
  ({ name: "cp01", allocation: `a-${id}` }) as History["clusters"][number]["cluster"]["members"][number];

/** Two clusters of one node each, without a fault. */
function createHistory(): History {
  const ids = ["c-1", "c-2"];
  return {
    clusters: ids.map((id) => ({ cluster: { id, state: "ready", members: [member(id)] }, events: createEvents() })),
    machines: ids.map((id) => ({
      clusterId: id,
      name: "cp01",
      allocation: `a-${id}`,
      address: `10.0.0.${id}`,
      mac: id,
    })),
    audit: ids.map((clusterId) => ({ action: "capability-use", clusterId, member: "cp01", detail: "bound to MAC 1" })),
    promised: ids.flatMap((clusterId): History["promised"] => [
      { at: 0, clusterId, kind: "created" },
      { at: 1, clusterId, kind: "claimed", member: "cp01", machine: clusterId, key: `key-${clusterId}` },
      { at: 2, clusterId, kind: "reported", member: "cp01", phase: "network" },
    ]),
    failovers: [],
  };
}

const [first, second] = [0, 1] as const;
type Plant = (history: History) => void;
const planted: [violation: string, plant: Plant][] = [
  ["c-1 is failed, not ready", ({ clusters }) => void (clusters[first]!.cluster.state = "failed")],
  ["the timeline of c-1 has a gap", ({ clusters }) => void (clusters[first]!.events[4]!.sequence = 6)],
  [
    "c-1 went pending, provisioning, provisioning, ready",
    ({ clusters }) => void Object.assign(clusters[first]!.events[2]!, { state: "provisioning" }),
  ],
  [
    "c-1 has cp01 network done twice",
    ({ clusters }) => void clusters[first]!.events.push({ ...clusters[first]!.events[4]!, sequence: 6 }),
  ],
  ["c-1/cp01/a-c-1 has no machine", ({ machines }) => void machines.shift()],
  [
    "machine c-3/cp01/a-3 has no member",
    ({ machines }) =>
      void machines.push({ clusterId: "c-3", name: "cp01", allocation: "a-3", address: "10.0.0.9", mac: "9" }),
  ],
  [
    "c-1/cp01/a-c-1 has two machines",
    ({ machines }) => void machines.push({ ...machines[first]!, address: null, mac: null }),
  ],
  ["10.0.0.c-1 was allocated twice", ({ machines }) => void (machines[second]!.address = "10.0.0.c-1")],
  ["c-1 was allocated twice", ({ machines }) => void (machines[second]!.mac = "c-1")],
  [
    "two machines hold the secrets of c-1/cp01",
    ({ promised }) => void promised.push({ ...promised[1]!, machine: "another" } as History["promised"][number]),
  ],
  ["two members have the key key-c-1", ({ promised }) => void Object.assign(promised[4]!, { key: "key-c-1" })],
  [
    "c-1/cp01 was given two keys",
    ({ promised }) => void promised.push({ ...promised[1]!, key: "other" } as History["promised"][number]),
  ],
  [
    "two machines were bound to c-1/cp01",
    ({ audit }) => void audit.push({ ...audit[first]!, detail: "bound to MAC 2" }),
  ],
  ["reported by c-1/cp01 was acknowledged and is not on record", ({ clusters }) => void clusters[first]!.events.pop()],
  [
    "cluster c-3 was acknowledged and is not on record",
    ({ promised }) => void promised.push({ at: 3, clusterId: "c-3", kind: "created" }),
  ],
];

describe("checkHistory", () => {
  it("finds nothing in a history without a fault", () => {
    expect(checkHistory(createHistory())).toEqual({ violations: [], lost: [] });
  });

  it.each(planted)("finds one planted violation: %s", (violation, plant) => {
    const history = createHistory();
    plant(history);
    expect(checkHistory(history)).toEqual({ violations: [violation], lost: [] });
  });

  it("counts an acknowledged write that a failover right after it took, and names the failover", () => {
    const history = { ...createHistory(), failovers: [1, 4000] };
    history.clusters[first]!.events.pop();
    const lost = ["reported by c-1/cp01, acknowledged before failover 2"];
    expect(checkHistory(history)).toEqual({ violations: [], lost });
  });

  it("takes no failover long after a write, or before it, for its explanation", () => {
    const history = { ...createHistory(), failovers: [1, 60_000] };
    history.clusters[first]!.events.pop();
    expect(checkHistory(history).violations).toEqual(["reported by c-1/cp01 was acknowledged and is not on record"]);
  });
});
