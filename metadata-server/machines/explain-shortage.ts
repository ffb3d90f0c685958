import type { MachineRecord } from "../store/machine-record.ts";
import { fits, type Wanted } from "./wanted-machines.ts";

/** Says which requirements too few free machines meet: each on its own, else all of them together. */
export function explainShortage(wanted: readonly Wanted[], free: readonly MachineRecord[]) {
  const groups = wanted.filter(({ count }) => count > 0);
  const errors = groups.flatMap((want) => {
    const fitting = free.filter((machine) => fits(machine, want)).length;
    const unmet = want.requirements.flatMap(({ pointer, words, isMet }) => {
      const meeting = free.filter((machine) => isMet(machine)).length;
      const detail = `Expected ${want.count} free machines with ${words}, got ${meeting} of ${free.length}`;
      return meeting < want.count ? [{ pointer, detail }] : [];
    });
    if (unmet.length > 0 || fitting >= want.count) return unmet;
    const detail = `Expected ${want.count} free machines that meet all requirements of ${want.label}, got ${fitting} of ${free.length}`;
    return [{ pointer: want.pointer, detail }];
  });
  const total = groups.reduce((sum, { count }) => sum + count, 0);
  const most = `${total} machines are needed, ${free.length} are free`;
  if (errors.length > 0) return { message: most, errors };
  const sharing = groups.length === 2 ? "both roles need" : "several roles or node pools need";
  const detail = `Expected ${total} free machines, one for each node, got machines that ${sharing}`;
  return { message: most, errors: free.length < total ? [] : [{ pointer: "/machines", detail }] };
}
