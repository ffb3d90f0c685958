import type { MachineSighting } from "#api/machine-sighting.ts";
import type { ApprovalRule, MachineRecord } from "../store/machine-record.ts";
import { findRule } from "./approval-rules.ts";
import { canBecome, moveMachine, withAlert, withEvent } from "./lifecycle.ts";

/** `lastSeenAt` is written this often, so that a machine that asks every few seconds costs reads alone. */
export const sightingIntervalMs = 30_000;

export interface Sighting extends MachineSighting {
  /** Address of its connection. */
  from: string | null;
}

/** What the inventory knows that bears on a sighting. */
export interface Surroundings {
  /** The machine that has the MAC it boots from. */
  known: MachineRecord | undefined;
  /** Other machines with the same UUID, a few of them. */
  namesakes: readonly MachineRecord[];
  /** Which of its further MACs belong to other machines. */
  foreignMacs: ReadonlyMap<string, string>;
  rules: readonly ApprovalRule[];
  /** It has called as the node that was to be installed, with its root on a disk. */
  isInstalled: boolean;
}

export interface SightingOutcome {
  machine: MachineRecord;
  /** Machines whose timeline tells of an alert; `machine` is not among them. */
  warned: MachineRecord[];
  /** For the log and the metrics. */
  alerts: { code: string; message: string }[];
  /** Where the identity does not fit: nothing is handed out, and `machine` has learned nothing. */
  mismatch: string | undefined;
  /** The rule that approved it just now, from 1. */
  approvedBy: number | undefined;
}

export interface SightingContext {
  now: number;
  createId: () => string;
}

/**
 * What a sighting makes of the inventory. Pure. The MAC that a machine boots from decides which machine it is: MACs, UUIDs
 * and serials are claims, and of these the MAC is the one that two machines on a segment cannot share unnoticed.
 */
export function decideSighting(
  sighting: Sighting,
  surroundings: Surroundings,
  context: SightingContext,
): SightingOutcome {
  const { known } = surroundings;
  const mismatch = known && findMismatch(known, sighting);
  if (known !== undefined && mismatch !== undefined) {
    const machine = withAlert(known, { at: context.now, message: mismatch });
    const alerts = machine === known ? [] : [{ code: "uuid-mismatch", message: mismatch }];
    return { machine, warned: [], alerts, mismatch, approvedBy: undefined };
  }
  const before = surroundings.isInstalled && known ? markInstalled(known, context.now) : known;
  const learned = learn(before ?? register(sighting, context), sighting, { ...surroundings, now: context.now });
  const warned = warn(learned, surroundings, context.now);
  const approved = approve(warned.machine, surroundings.rules, context.now);
  return { ...warned, ...approved, mismatch: undefined };
}

function markInstalled(machine: MachineRecord, at: number): MachineRecord {
  const { assignment } = machine;
  if (assignment === null || assignment.installedAt !== null) return machine;
  const message = "Was installed: boots from its disk from now on";
  return withEvent({ ...machine, assignment: { ...assignment, installedAt: at } }, { type: "boot", at, message });
}

/** Where nobody has vouched for the machine yet, the newest claim is as good as the first. */
function findMismatch({ state, uuid, provisioningMac }: MachineRecord, sighting: Sighting): string | undefined {
  if (state === "seen" || uuid === null || sighting.uuid === null || uuid === sighting.uuid) return undefined;
  return `A machine with MAC ${provisioningMac} has UUID ${sighting.uuid}, not ${uuid}; if its board was changed, change its UUID here`;
}

function register({ macs: [mac = ""], from }: Sighting, { now, createId }: SightingContext): MachineRecord {
  const machine: MachineRecord = {
    id: createId(),
    state: "seen",
    macs: [mac],
    uuid: null,
    serial: null,
    manufacturer: null,
    hardware: null,
    labels: {},
    provisioningMac: mac,
    clusterMac: mac,
    power: { driver: "manual" },
    assignment: null,
    bootWindow: null,
    createdAt: now,
    firstSeenAt: null,
    lastSeenAt: null,
    lastSeenFrom: null,
    events: [],
    version: 0,
  };
  return withEvent(machine, { type: "state", at: now, message: `Seen for the first time, from ${from ?? "nowhere"}` });
}

/** The record itself where there is nothing new. */
function learn(
  machine: MachineRecord,
  sighting: Sighting,
  { foreignMacs, now }: { foreignMacs: ReadonlyMap<string, string>; now: number },
): MachineRecord {
  const isOpenToClaims = machine.state === "seen";
  const claimed = sighting.macs.filter((mac) => !foreignMacs.has(mac));
  const facts = isOpenToClaims
    ? {
        macs: [...new Set([...machine.macs, ...claimed])].slice(0, 32),
        uuid: sighting.uuid ?? machine.uuid,
        serial: sighting.serial ?? machine.serial,
        manufacturer: sighting.manufacturer ?? machine.manufacturer,
        hardware: sighting.hardware ?? machine.hardware,
      }
    : {
        macs: machine.macs,
        uuid: machine.uuid ?? sighting.uuid,
        serial: machine.serial ?? sighting.serial,
        manufacturer: machine.manufacturer ?? sighting.manufacturer,
        hardware: machine.hardware ?? sighting.hardware ?? null,
      };
  const isNews =
    machine.lastSeenAt === null ||
    now - machine.lastSeenAt >= sightingIntervalMs ||
    machine.lastSeenFrom !== sighting.from ||
    Object.entries(facts).some(([name, value]) => !isSame(machine[name as keyof typeof facts], value));
  if (!isNews) return machine;
  const seen = { firstSeenAt: machine.firstSeenAt ?? now, lastSeenAt: now, lastSeenFrom: sighting.from };
  return arrive({ ...machine, ...facts, ...seen }, now);
}

/** A machine that was known by name alone is there; one that was released has lost its memory, and with it all it was given. */
function arrive(machine: MachineRecord, now: number): MachineRecord {
  if (machine.state === "approved") return moveMachine(machine, { to: "free", at: now, message: "Seen: free" });
  if (machine.state !== "released" || machine.assignment?.install === true) return machine;
  return moveMachine(machine, { to: "free", at: now, message: "Booted anew: free", fields: { assignment: null } });
}

function warn(machine: MachineRecord, { known, namesakes, foreignMacs }: Surroundings, at: number) {
  const alerts: SightingOutcome["alerts"] = [];
  const warned: MachineRecord[] = [];
  let result = machine;
  const tell = (code: string, message: string) => {
    const before = result;
    result = withAlert(result, { at, message });
    if (result !== before) alerts.push({ code, message });
  };
  if (known?.uuid !== machine.uuid && machine.uuid !== null)
    for (const namesake of namesakes.filter(({ id }) => id !== machine.id)) {
      tell("duplicate-uuid", `Machine ${namesake.id} has the same UUID ${machine.uuid}; MACs tell them apart`);
      const message = `Machine ${machine.id} (MAC ${machine.provisioningMac}) has the same UUID`;
      const told = withAlert(namesake, { at, message });
      if (told !== namesake) warned.push(told);
    }
  for (const [mac, owner] of foreignMacs) tell("duplicate-mac", `It also claims MAC ${mac} of machine ${owner}`);
  return { machine: result, warned, alerts };
}

function approve(machine: MachineRecord, rules: readonly ApprovalRule[], at: number) {
  const found = machine.state === "seen" ? findRule(rules, machine) : undefined;
  if (found === undefined || !canBecome(machine, "free")) return { machine, approvedBy: undefined };
  const labels = { ...machine.labels, ...found.rule.labels };
  const message = `Approved by rule ${found.number}: free`;
  return { machine: moveMachine(machine, { to: "free", at, message, fields: { labels } }), approvedBy: found.number };
}

const isSame = (one: unknown, other: unknown) => one === other || JSON.stringify(one) === JSON.stringify(other);
