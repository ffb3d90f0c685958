import type { ListMachinesQuery, MachineList } from "#api/machine-requests.ts";
import { DomainError } from "../errors.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import type { MachineQuery } from "../store/store.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { toMachine } from "./view.ts";

type Readers = Pick<MachineDependencies, "store">;

/** Returns a machine. Throws DomainError `not-found`. */
export async function findMachine({ store }: Readers, machineId: string): Promise<MachineRecord> {
  const machine = await store.machine(machineId);
  if (machine === undefined) throw new DomainError("not-found", `No machine has the id ${machineId}`);
  return machine;
}

/** Lists machines, newest first. */
export async function listMachines({ store }: Readers, query: ListMachinesQuery): Promise<MachineList> {
  const { limit, mac } = query;
  const wanted = toStoreQuery(query);
  if (mac !== undefined) {
    const found = await store.machineByMac(mac);
    const machines = found !== undefined && fits(found, wanted) ? [toMachine(found)] : [];
    return { machines, next: null };
  }
  const page = await store.machines({ ...wanted, limit: limit + 1 });
  const machines = page.slice(0, limit).map(toMachine);
  return { machines, next: page.length > limit ? (machines.at(-1)?.id ?? null) : null };
}

function toStoreQuery({ state, cluster, label = [], after, limit }: ListMachinesQuery): MachineQuery {
  const labels = [label].flat().map((text) => {
    const at = text.indexOf("=");
    return [text.slice(0, at), text.slice(at + 1)] as const;
  });
  return {
    ...(state && { states: [state] }),
    ...(cluster && { clusterId: cluster }),
    labels: Object.fromEntries(labels),
    ...(after && { after }),
    limit,
  };
}

const fits = (machine: MachineRecord, { states, clusterId, labels = {} }: MachineQuery): boolean =>
  states?.includes(machine.state) !== false &&
  (clusterId === undefined || machine.assignment?.clusterId === clusterId) &&
  Object.entries(labels).every(([key, value]) => machine.labels[key] === value);
