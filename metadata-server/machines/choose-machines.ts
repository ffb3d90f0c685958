import type { ClusterMachines, MachineRequirements } from "#api/cluster-machines.ts";
import { toJsonPointer } from "#lib/json-pointer.ts";
import type { Role } from "#api/name.ts";
import type { MachineRecord } from "../store/machine-record.ts";

/** Enough for the root image and what a node writes in its first days. */
export const leastDiskGiB = 8;

/** How many machines a role wants, and what they must have. */
interface Wanted {
  role: Role;
  count: number;
  requirements: Requirement[];
}

interface Requirement {
  /** JSON pointer into the request. */
  pointer: string;
  words: string;
  isMet: (machine: MachineRecord) => boolean;
}

/** Returns what a cluster wants. Control planes need a disk, and so does every machine that is installed. */
export function planWanted(machines: ClusterMachines | undefined, roles: readonly Role[]): Wanted[] {
  const { controlPlanes, workers, install = false } = machines ?? {};
  const count = (role: Role) => roles.filter((each) => each === role).length;
  return [
    {
      role: "control-plane",
      count: count("control-plane"),
      requirements: toRequirements("/machines/controlPlanes", { ...controlPlanes, needsDisk: true }),
    },
    {
      role: "worker",
      count: count("worker"),
      requirements: toRequirements("/machines/workers", { ...workers, needsDisk: install }),
    },
  ];
}

function toRequirements(
  pointer: string,
  { labels = {}, minCpus, minMemoryMiB, minDiskGiB, needsDisk }: MachineRequirements & { needsDisk: boolean },
): Requirement[] {
  const atLeast = (field: string, least: number | undefined, words: string, has: (machine: MachineRecord) => number) =>
    least === undefined
      ? []
      : [{ pointer: `${pointer}/${field}`, words, isMet: (machine: MachineRecord) => has(machine) >= least }];
  return [
    ...Object.entries(labels).map(([key, value]) => ({
      pointer: `${pointer}/labels${toJsonPointer([key])}`,
      words: `label ${key}=${value}`,
      isMet: (machine: MachineRecord) => Object.hasOwn(machine.labels, key) && machine.labels[key] === value,
    })),
    ...atLeast("minCpus", minCpus, `${minCpus} CPUs`, ({ hardware }) => hardware?.cpus ?? 0),
    ...atLeast(
      "minMemoryMiB",
      minMemoryMiB,
      `${minMemoryMiB} MiB of memory`,
      ({ hardware }) => hardware?.memoryMiB ?? 0,
    ),
    ...atLeast("minDiskGiB", minDiskGiB, `a disk of ${minDiskGiB} GiB`, largestDiskGiB),
    ...(needsDisk && (minDiskGiB ?? 0) < leastDiskGiB
      ? [
          {
            pointer,
            words: `a disk of ${leastDiskGiB} GiB to install to`,
            isMet: (machine: MachineRecord) => largestDiskGiB(machine) >= leastDiskGiB,
          },
        ]
      : []),
  ];
}

const largestDiskGiB = ({ hardware }: MachineRecord) =>
  Math.max(0, ...(hardware?.disks ?? []).map(({ sizeGiB }) => sizeGiB));

const fits = (machine: MachineRecord, { requirements }: Wanted) => requirements.every(({ isMet }) => isMet(machine));

/**
 * Chooses machines for every role, or undefined if the free ones do not suffice. A role first takes the machines that
 * fit no other role, so a choice is found if there is one.
 */
export function chooseMachines(
  wanted: readonly Wanted[],
  free: readonly MachineRecord[],
): Map<Role, MachineRecord[]> | undefined {
  const left = new Set(free);
  const chosen = new Map<Role, MachineRecord[]>();
  for (const want of wanted) {
    const rivals = wanted.filter((other) => other !== want && other.count > 0 && !chosen.has(other.role));
    const fitting = [...left].filter((machine) => fits(machine, want));
    const isWantedElsewhere = (machine: MachineRecord) => rivals.some((rival) => fits(machine, rival));
    const { mine = [], shared = [] } = Object.groupBy(fitting, (machine) =>
      isWantedElsewhere(machine) ? "shared" : "mine",
    );
    const taken = [...mine, ...shared].slice(0, want.count);
    if (taken.length < want.count) return undefined;
    for (const machine of taken) left.delete(machine);
    chosen.set(want.role, taken);
  }
  return chosen;
}

/** Says which requirements too few free machines meet: each on its own, else all of them together. */
export function explainShortage(wanted: readonly Wanted[], free: readonly MachineRecord[]) {
  const errors = wanted
    .filter(({ count }) => count > 0)
    .flatMap((want) => {
      const fitting = free.filter((machine) => fits(machine, want)).length;
      const unmet = want.requirements.flatMap(({ pointer, words, isMet }) => {
        const meeting = free.filter((machine) => isMet(machine)).length;
        const detail = `Expected ${want.count} free machines with ${words}, got ${meeting} of ${free.length}`;
        return meeting < want.count ? [{ pointer, detail }] : [];
      });
      if (unmet.length > 0 || fitting >= want.count) return unmet;
      const detail = `Expected ${want.count} free machines that meet all requirements of a ${want.role}, got ${fitting} of ${free.length}`;
      return [{ pointer: pointerOf(want), detail }];
    });
  const total = wanted.reduce((sum, { count }) => sum + count, 0);
  const most = `${total} machines are needed, ${free.length} are free`;
  if (errors.length > 0) return { message: most, errors };
  const detail = `Expected ${total} free machines, one for each node, got machines that both roles need`;
  return { message: most, errors: free.length < total ? [] : [{ pointer: "/machines", detail }] };
}

const pointerOf = ({ role }: Wanted) => (role === "worker" ? "/machines/workers" : "/machines/controlPlanes");
