import type { Machine, MachineAssignment, MachinePower } from "#api/machine.ts";
import { toTime, toTimeOrNull } from "../clusters/lifecycle.ts";
import type { AssignmentRecord, MachineRecord, PowerRecord } from "../store/machine-record.ts";

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
    power: toMachinePower(power),
    assignment: assignment && toAssignment(assignment),
    createdAt: toTime(machine.createdAt),
    firstSeenAt: toTimeOrNull(machine.firstSeenAt),
    lastSeenAt: toTimeOrNull(machine.lastSeenAt),
    lastSeenFrom,
    events: events.map(({ at, type, message }) => ({ at, type, message })),
  };
}

function toAssignment(assignment: AssignmentRecord): MachineAssignment {
  const { clusterId, member, allocation, install, installedAt } = assignment;
  return { clusterId, member, allocation, install, installedAt: toTimeOrNull(installedAt) };
}

function toMachinePower(power: PowerRecord): MachinePower {
  if (power.driver === "manual") return power;
  const { driver, url, trust } = power;
  return { driver, url, certificateSha256: trust.kind === "fingerprint" ? trust.sha256 : null };
}
