import { decide } from "../clusters/decide.ts";
import { DomainError } from "../errors.ts";
import type { Reservation } from "../providers/provider.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import { pages } from "../store/pages.ts";
import type { Store } from "../store/store.ts";
import { chooseMachines } from "./choose-machines.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { explainShortage } from "./explain-shortage.ts";
import { moveMachine } from "./lifecycle.ts";
import { groupOf, planWanted, type Wanted } from "./wanted-machines.ts";

const pageSize = 500;

type AssignmentRequest = Omit<Reservation, "network">;

/**
 * Takes a free machine for each member, all in one commit: if two clusters want the same machine, one takes another.
 * A repeated request finds the machines that it took. Throws DomainError `no-capacity` with each unmet requirement.
 */
export async function assignMachines(
  { store, clock }: Pick<MachineDependencies, "store" | "clock">,
  request: AssignmentRequest,
): Promise<Map<string, MachineRecord>> {
  return decide(store, async () => {
    const taken = await findAssigned(store, request.clusterId);
    const has = new Set(taken.map(({ assignment }) => assignment?.allocation));
    const members = request.members.filter(({ allocation }) => !has.has(allocation));
    if (members.length === 0 || (taken.length > 0 && request.present === undefined)) return { result: byMember(taken) };
    const wanted = { ...request, members };
    const groups = planWanted(wanted);
    const machines = assign(await takeFree(store, groups), { ...wanted, groups, at: clock.now() });
    return { changes: { machines }, result: byMember([...taken, ...machines]) };
  });
}

/** Returns every machine that the cluster has. */
export const findAssigned = (store: Pick<Store, "machines">, clusterId: string): Promise<MachineRecord[]> =>
  Array.fromAsync(machinePages(store, { states: ["assigned"], clusterId })).then((all) => all.flat());

const byMember = (machines: readonly MachineRecord[]) =>
  new Map(machines.map((machine) => [machine.assignment?.member ?? "", machine]));

async function takeFree(store: Store, wanted: readonly Wanted[]): Promise<Map<string, MachineRecord[]>> {
  const total = wanted.reduce((sum, { count }) => sum + count, 0);
  const free: MachineRecord[] = [];
  let tried = 0;
  for await (const page of machinePages(store, { states: ["free"] })) {
    free.push(...page);
    // Only once the list has doubled: each attempt inspects all machines again.
    if (free.length < total || free.length < tried * 2) continue;
    const chosen = chooseMachines(wanted, free);
    if (chosen !== undefined) return chosen;
    tried = free.length;
  }
  const chosen = tried < free.length ? chooseMachines(wanted, free) : undefined;
  if (chosen !== undefined) return chosen;
  const { message, errors } = explainShortage(wanted, free);
  throw new DomainError("no-capacity", `Provider bare-metal cannot take machines: ${message}`, { errors });
}

function assign(
  chosen: ReadonlyMap<string, readonly MachineRecord[]>,
  { clusterId, members, groups, at }: AssignmentRequest & { groups: readonly Wanted[]; at: number },
): MachineRecord[] {
  const queues = new Map(Array.from(chosen, ([key, queue]) => [key, queue.values()]));
  const byKey = new Map(groups.map((group) => [group.key, group]));
  return members.flatMap((member) => {
    const { name, allocation } = member;
    const key = groupOf(member);
    const machine = queues.get(key)?.next().value;
    if (machine === undefined) return [];
    const { install = false, minDiskGiB, image } = byKey.get(key) ?? {};
    const disk = install && minDiskGiB !== undefined ? { diskGiB: minDiskGiB } : {};
    const booted = image === undefined ? {} : { image };
    const assignment = { clusterId, member: name, allocation, install, ...disk, ...booted, installedAt: null };
    const message = `Taken for node ${name} of cluster ${clusterId}`;
    return [moveMachine(machine, { to: "assigned", at, message, fields: { assignment, bootWindow: null } })];
  });
}

/** Yields the machines of a query, page by page. */
export function machinePages(
  store: Pick<Store, "machines">,
  query: Omit<Parameters<Store["machines"]>[0], "after" | "limit">,
): AsyncGenerator<MachineRecord[]> {
  const read = (after: string | undefined) =>
    store.machines({ ...query, ...(after !== undefined && { after }), limit: pageSize });
  return pages({ read, pageSize, cursorOf: ({ id }) => id });
}
