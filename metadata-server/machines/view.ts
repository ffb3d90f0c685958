import type { Machine } from "#api/machine.ts";
import { toTime } from "../clusters/lifecycle.ts";
import type { MachineRecord } from "../store/machine-record.ts";

export function toMachine(machine: MachineRecord): Machine {
  const { id, state, macs, uuid, serial, manufacturer, hardware, labels, provisioningMac, clusterMac } = machine;
  const { power, assignment, lastSeenFrom, events } = machine;
  return {
    id,
    state,
    macs,
    uuid,
    serial,
    manufacturer,
    hardware,
    labels,
    provisioningMac,
    clusterMac,
    power: power.driver === "redfish" ? { driver: power.driver, url: power.url } : power,
    assignment: assignment && { ...assignment, installedAt: toTimeOrNull(assignment.installedAt) },
    createdAt: toTime(machine.createdAt),
    firstSeenAt: toTimeOrNull(machine.firstSeenAt),
    lastSeenAt: toTimeOrNull(machine.lastSeenAt),
    lastSeenFrom,
    events,
  };
}

const toTimeOrNull = (milliseconds: number | null) => (milliseconds === null ? null : toTime(milliseconds));
