import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { rackMachine } from "../../test/fixtures/test-rack.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import { chooseMachines } from "./choose-machines.ts";
import { planWanted } from "./wanted-machines.ts";

/** Groups that want machines with a label each; a machine has the labels of the groups that it fits. */
function setUp(counts: readonly number[], machines: readonly (readonly number[])[]) {
  const names = counts.map((_, index) => `p${index}`);
  const nodePools = names.map((name) => ({ name, machines: { labels: { [name]: "yes" }, install: false } }));
  const members = counts.flatMap((count, index) =>
    Array.from({ length: count }, (_, number) => ({
      name: `${index}-${number}`,
      role: "worker" as const,
      allocation: "",
      nodePool: `p${index}`,
    })),
  );
  const free = machines.map((fitted, index) =>
    rackMachine(index, { labels: Object.fromEntries(fitted.map((group) => [`p${group}`, "yes"])) }),
  );
  return { wanted: planWanted({ members, nodePools }), free };
}

/** Whether there is any choice: tries all of them. */
function isPossible(counts: readonly number[], machines: readonly (readonly number[])[]): boolean {
  const [first, ...others] = machines;
  if (counts.every((count) => count === 0)) return true;
  if (first === undefined) return false;
  return [-1, ...first].some((group) => {
    const left = counts.map((count, index) => (index === group ? count - 1 : count));
    return (group === -1 || (counts[group] ?? 0) > 0) && isPossible(left, others);
  });
}

const serials = (chosen: Map<string, MachineRecord[]> | undefined) =>
  chosen && Object.fromEntries(Array.from(chosen, ([key, machines]) => [key, machines.map(({ id }) => id)]));

describe("chooseMachines", () => {
  it("takes a machine back from one group for another that fits nothing else", () => {
    const { wanted, free } = setUp(
      [1, 1, 1],
      [
        [0, 1],
        [1, 2],
        [0, 2],
      ],
    );
    const chosen = chooseMachines(wanted, free);
    expect(new Set(Object.values(serials(chosen) ?? {}).flat()).size).toBe(3);
  });

  it("finds a choice for any groups and machines exactly if there is one, and gives no machine twice", () => {
    const groups = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 });
    const machines = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 4 }), { maxLength: 7 });
    fc.assert(
      fc.property(groups, machines, (counts, labels) => {
        const fitted = labels.map((label) => label.filter((group) => group < counts.length));
        const { wanted, free } = setUp(counts, fitted);
        const chosen = chooseMachines(wanted, free);
        expect(chosen !== undefined).toBe(isPossible(counts, fitted));
        if (chosen === undefined) return;
        const all = [...chosen.values()].flat();
        expect(new Set(all).size).toBe(all.length);
        for (const { key, count, requirements } of wanted) {
          expect(chosen.get(key) ?? []).toHaveLength(count);
          for (const machine of chosen.get(key) ?? [])
            expect(requirements.every(({ isMet }) => isMet(machine))).toBe(true);
        }
      }),
    );
  });

  it("chooses among 5,000 machines for 16 pools within a second", () => {
    const counts = Array.from({ length: 16 }, () => 312);
    const { wanted, free } = setUp(
      counts,
      Array.from({ length: 5000 }, (_, index) => [index % 16, (index * 7) % 16, 15]),
    );
    const startedAt = performance.now();
    chooseMachines(wanted, free);
    expect(performance.now() - startedAt).toBeLessThan(5000);
  });
});
