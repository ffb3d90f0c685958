import type { MachineRecord } from "../store/machine-record.ts";
import { fits, type Wanted } from "./wanted-machines.ts";

/**
 * Chooses machines for every group, or returns undefined if the free ones do not suffice. A group first takes the
 * machines that fit few groups. If none is left for it, another group takes a different machine: so a choice is found if
 * there is one.
 */
export function chooseMachines(
  wanted: readonly Wanted[],
  free: readonly MachineRecord[],
): Map<string, MachineRecord[]> | undefined {
  const groups = wanted.filter(({ count }) => count > 0);
  const candidates = rankCandidates(groups, free);
  const holders = new Map<MachineRecord, Wanted>();
  // Machines that are held stay so, by one group or another, so each list is walked once.
  const untried = new Map(Array.from(candidates, ([group, machines]) => [group, machines.toReversed()]));

  function take(group: Wanted, asked: ReadonlySet<Wanted>): boolean {
    const machines = untried.get(group) ?? [];
    for (let machine = machines.pop(); machine !== undefined; machine = machines.pop())
      if (!holders.has(machine)) {
        holders.set(machine, group);
        return true;
      }
    for (const other of groups) {
      if (asked.has(other)) continue;
      const given = candidates.get(group)?.find((machine) => holders.get(machine) === other);
      if (given === undefined || !take(other, new Set([...asked, other]))) continue;
      holders.set(given, group);
      return true;
    }
    return false;
  }

  for (const group of groups)
    for (let taken = 0; taken < group.count; taken += 1) if (!take(group, new Set([group]))) return undefined;
  return new Map(
    Array.from(candidates, ([group, machines]) => [
      group.key,
      machines.filter((machine) => holders.get(machine) === group),
    ]),
  );
}

/** Returns each group's fitting machines, those first that fit the fewest groups. */
function rankCandidates(groups: readonly Wanted[], free: readonly MachineRecord[]): Map<Wanted, MachineRecord[]> {
  const fitting = groups.map((group) => free.filter((machine) => fits(machine, group)));
  const uses = new Map<MachineRecord, number>();
  for (const machine of fitting.flat()) uses.set(machine, (uses.get(machine) ?? 0) + 1);
  const usesOf = (machine: MachineRecord) => uses.get(machine) ?? 0;
  return new Map(
    groups.map((group, index) => [group, (fitting[index] ?? []).toSorted((one, other) => usesOf(one) - usesOf(other))]),
  );
}
