import type { MachineRequirements } from "#api/cluster-machines.ts";
import { defaultNodePool } from "#api/node-pool.ts";
import type { Reservation } from "../providers/provider.ts";
import { toJsonPointer } from "#lib/json-pointer.ts";
import type { MachineRecord } from "../store/machine-record.ts";

/** Enough for the root image and what a node writes in its first days. */
export const leastDiskGiB = 8;

/** What a group of members wants: the control planes, or the workers of a node pool. */
export interface Wanted {
  /** As `groupOf` returns it. */
  key: string;
  /** For messages. */
  label: string;
  count: number;
  /** JSON pointer into the request. */
  pointer: string;
  requirements: Requirement[];
  install: boolean;
  /** Least size of the disk that a machine is installed to. */
  minDiskGiB?: number | undefined;
  /** Name of the image; the default one if absent. */
  image?: string | undefined;
}

interface Requirement {
  /** JSON pointer into the request. */
  pointer: string;
  words: string;
  isMet: (machine: MachineRecord) => boolean;
}

type Members = Reservation["members"];

/** Returns the key of a member's group. */
export const groupOf = ({ role, nodePool = defaultNodePool }: Pick<Members[number], "role" | "nodePool">): string =>
  role === "control-plane" ? role : `pool ${nodePool}`;

/** Returns what the members want, by groups. Control planes need a disk, and so does every machine that is installed. */
export function planWanted({
  machines,
  nodePools = [],
  members,
  present,
}: Pick<Reservation, "machines" | "nodePools" | "members" | "present">): Wanted[] {
  const plain = nodePools.find(({ name }) => name === defaultNodePool);
  const named = nodePools.filter((pool) => pool !== plain);
  // A request for a cluster that exists may have no requirements: then those of the pool hold.
  const poolPointer = (pointer: string) => (present === undefined ? pointer : "/workers");
  const groups = [
    {
      key: groupOf({ role: "control-plane" }),
      label: "a control-plane",
      pointer: "/machines/controlPlanes",
      wanted: { ...machines?.controlPlanes, install: true },
    },
    {
      key: groupOf({ role: "worker" }),
      label: "a worker",
      pointer: machines === undefined ? poolPointer("/machines/workers") : "/machines/workers",
      wanted: machines === undefined ? plain?.machines : { ...machines.workers, install: machines.install },
    },
    ...named.map(({ name, image, machines: wanted }, index) => ({
      key: groupOf({ role: "worker", nodePool: name }),
      label: `a worker of node pool ${name}`,
      pointer: poolPointer(`/nodePools/${index}/machines`),
      wanted,
      image,
    })),
  ];
  return groups.map(({ wanted: { install: needsDisk, ...wanted } = { install: false }, ...group }) => ({
    ...group,
    count: members.filter((member) => groupOf(member) === group.key).length,
    requirements: toRequirements(group.pointer, { ...wanted, needsDisk }),
    install: needsDisk,
    minDiskGiB: wanted.minDiskGiB,
  }));
}

function toRequirements(
  pointer: string,
  { labels = {}, minCpus, minMemoryMiB, minDiskGiB, needsDisk }: MachineRequirements & { needsDisk: boolean },
): Requirement[] {
  const at = (field: string) => (pointer === "/workers" ? pointer : `${pointer}/${field}`);
  const atLeast = (field: string, least: number | undefined, words: string, has: (machine: MachineRecord) => number) =>
    least === undefined
      ? []
      : [{ pointer: at(field), words, isMet: (machine: MachineRecord) => has(machine) >= least }];
  return [
    ...Object.entries(labels).map(([key, value]) => ({
      pointer: at(`labels${toJsonPointer([key])}`),
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

export const fits = (machine: MachineRecord, { requirements }: Wanted): boolean =>
  requirements.every(({ isMet }) => isMet(machine));
