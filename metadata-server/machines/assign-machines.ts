import type { ClusterMachines } from "#api/cluster-machines.ts";
import type { Role } from "#api/name.ts";
import { decide } from "../clusters/decide.ts";
import { DomainError } from "../errors.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import { pages } from "../store/pages.ts";
import type { Store } from "../store/store.ts";
import { chooseMachines, explainShortage, planWanted } from "./choose-machines.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { moveMachine } from "./lifecycle.ts";

const pageSize = 500;

interface AssignmentRequest {
  clusterId: string;
  members: readonly { name: string; role: Role; allocation: string }[];
  machines?: ClusterMachines | undefined;
  /** What the cluster has already, if `members` are to be added to it. */
  present?: readonly unknown[] | undefined;
}

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
    const machines = assign(await takeFree(store, wanted), wanted, clock.now());
    return { changes: { machines }, result: byMember([...taken, ...machines]) };
  });
}

/** Returns every machine that the cluster has. */
export const findAssigned = (store: Pick<Store, "machines">, clusterId: string): Promise<MachineRecord[]> =>
  Array.fromAsync(machinePages(store, { states: ["assigned"], clusterId })).then((all) => all.flat());

const byMember = (machines: readonly MachineRecord[]) =>
  new Map(machines.map((machine) => [machine.assignment?.member ?? "", machine]));

async function takeFree(store: Store, { members, machines }: AssignmentRequest): Promise<Map<Role, MachineRecord[]>> {
  const wanted = planWanted(
    machines,
    members.map(({ role }) => role),
  );
  const free: MachineRecord[] = [];
  let tried = 0;
  for await (const page of machinePages(store, { states: ["free"] })) {
    free.push(...page);
    // Only once the list has doubled: each attempt inspects all machines again.
    if (free.length < members.length || free.length < tried * 2) continue;
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
  chosen: ReadonlyMap<Role, readonly MachineRecord[]>,
  { clusterId, members, machines }: AssignmentRequest,
  at: number,
): MachineRecord[] {
  const queues = new Map(Array.from(chosen, ([role, queue]) => [role, queue.values()]));
  return members.flatMap(({ name, role, allocation }) => {
    const machine = queues.get(role)?.next().value;
    if (machine === undefined) return [];
    const install = role === "control-plane" || machines?.install === true;
    const { minDiskGiB } = (role === "worker" ? machines?.workers : machines?.controlPlanes) ?? {};
    const disk = install && minDiskGiB !== undefined ? { diskGiB: minDiskGiB } : {};
    const assignment = { clusterId, member: name, allocation, install, ...disk, installedAt: null };
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
