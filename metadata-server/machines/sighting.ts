import { isSameUuid } from "#api/hardware-identity.ts";
import type { MachineSighting } from "#api/machine-sighting.ts";
import type { ApprovalRulesRecord, ClaimKind, MachineRecord } from "../store/machine-record.ts";
import { takeApproval } from "./approval-bounds.ts";
import { findMismatch } from "./mismatch.ts";
import { findRule } from "./approval-rules.ts";
import { blankMachine, canBecome, moveMachine, withAlert, withEvent } from "./lifecycle.ts";

/** How often `lastSeenAt` is written, so that a machine that asks every few seconds mostly costs reads. */
const sightingIntervalMs = 30_000;

export interface Sighting extends MachineSighting {
  /** Address of its connection. */
  from: string | null;
}

/** What the inventory knows about a sighting. */
export interface Surroundings {
  /** The machine that has the MAC it boots from. */
  known: MachineRecord | undefined;
  /** Other machines with the same UUID, a few of them. */
  namesakes: readonly MachineRecord[];
  /** The other MACs of the sighting that belong to other machines, with their owners. */
  foreignMacs: ReadonlyMap<string, string>;
  /** Undefined if there are none. */
  rules: ApprovalRulesRecord | undefined;
  /** Whether it called as the node that was to be installed, with its root on a disk. */
  isInstalled: boolean;
}

export interface SightingOutcome {
  machine: MachineRecord;
  /** Other machines that got an alert. */
  warned: MachineRecord[];
  /** For the log and the metrics. */
  alerts: { code: ClaimKind; message: string }[];
  /** Why the identity does not match; then the machine gets nothing, and its record learns nothing. */
  mismatch: string | undefined;
  /** The rule that approved it just now, from 1. */
  approvedBy: number | undefined;
  /** The rules with their new count, if that changed. */
  counted: ApprovalRulesRecord | undefined;
}

interface SightingContext {
  now: number;
  createId: () => string;
}

/**
 * Decides what a sighting changes in the inventory. Pure. MACs, UUIDs and serials are unverified claims. The MAC that a
 * machine boots from identifies it, because two machines on a segment cannot share one unnoticed.
 */
export function decideSighting(
  sighting: Sighting,
  surroundings: Surroundings,
  context: SightingContext,
): SightingOutcome {
  const { known } = surroundings;
  const mismatch = known && findMismatch(known, sighting);
  if (known !== undefined && mismatch !== undefined) {
    const code = "uuid-mismatch";
    const machine = withAlert(known, { at: context.now, message: mismatch, claim: code });
    const alerts = machine === known ? [] : [{ code, message: mismatch } as const];
    return { machine, warned: [], alerts, mismatch, approvedBy: undefined, counted: undefined };
  }
  const before = surroundings.isInstalled && known ? markInstalled(known, context.now) : known;
  const learned = learn(before ?? register(sighting, context), sighting, { ...surroundings, now: context.now });
  const warned = warn(learned, surroundings, context.now);
  const approved = approve(warned.machine, surroundings.rules, { from: sighting.from, at: context.now });
  return { ...warned, ...approved, alerts: [...warned.alerts, ...approved.alerts], mismatch: undefined };
}

function markInstalled(machine: MachineRecord, at: number): MachineRecord {
  const { assignment } = machine;
  if (assignment === null || assignment.installedAt !== null) return machine;
  const message = "Installed: boots from its disk from now on";
  return withEvent({ ...machine, assignment: { ...assignment, installedAt: at } }, { type: "boot", at, message });
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
    ...blankMachine(now),
  };
  return withEvent(machine, {
    type: "state",
    at: now,
    message: `Seen for the first time, from ${from ?? "an unknown address"}`,
  });
}

/** Returns the record itself if there is nothing new. */
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
        uuid: latestUuid(machine, sighting),
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

/** The first spelling stays, because the other byte order is the same UUID. */
const latestUuid = ({ uuid }: MachineRecord, sighting: Sighting) =>
  uuid !== null && sighting.uuid !== null && isSameUuid(uuid, sighting.uuid) ? uuid : (sighting.uuid ?? uuid);

/** An approved machine is there now; a released one has rebooted, so its memory holds nothing of its cluster. */
function arrive(machine: MachineRecord, now: number): MachineRecord {
  if (machine.state === "approved") return moveMachine(machine, { to: "free", at: now, message: "Seen: free" });
  if (machine.state !== "released" || machine.assignment?.install === true) return machine;
  return moveMachine(machine, { to: "free", at: now, message: "Rebooted: free", fields: { assignment: null } });
}

function warn(machine: MachineRecord, { known, namesakes, foreignMacs }: Surroundings, at: number) {
  const alerts: SightingOutcome["alerts"] = [];
  const warned: MachineRecord[] = [];
  let result = machine;
  const raise = (code: ClaimKind, message: string) => {
    const before = result;
    result = withAlert(result, { at, message, claim: code });
    if (result !== before) alerts.push({ code, message });
  };
  if (known?.uuid !== machine.uuid && machine.uuid !== null)
    for (const namesake of namesakes.filter(({ id }) => id !== machine.id)) {
      raise("duplicate-uuid", `Machine ${namesake.id} has the same UUID ${machine.uuid}; their MACs distinguish them`);
      const message = `Machine ${machine.id} (MAC ${machine.provisioningMac}) has the same UUID`;
      const alerted = withAlert(namesake, { at, message, claim: "duplicate-uuid" });
      if (alerted !== namesake) warned.push(alerted);
    }
  for (const [mac, owner] of foreignMacs) raise("duplicate-mac", `It also claims MAC ${mac} of machine ${owner}`);
  return { machine: result, warned, alerts };
}

type Approved = Pick<SightingOutcome, "machine" | "alerts" | "approvedBy" | "counted">;

function approve(
  machine: MachineRecord,
  rules: ApprovalRulesRecord | undefined,
  { from, at }: { from: string | null; at: number },
): Approved {
  const unchanged = { machine, alerts: [], approvedBy: undefined, counted: undefined };
  const found = rules && machine.state === "seen" ? findRule(rules.rules, machine) : undefined;
  if (rules === undefined || found === undefined || !canBecome(machine, "free")) return unchanged;
  const approval = takeApproval(rules, { from, at });
  if (!approval.isApproved) {
    const { message, counted } = approval.alert ?? {};
    if (message === undefined) return unchanged;
    const code = "approval-limit";
    const alerted = withAlert(machine, { at, message, claim: code });
    return { ...unchanged, machine: alerted, alerts: [{ code, message }], counted };
  }
  const labels = { ...machine.labels, ...found.rule.labels };
  const message = `Approved by rule ${found.number}: free`;
  const approved = moveMachine(machine, { to: "free", at, message, fields: { labels } });
  return { machine: approved, alerts: [], approvedBy: found.number, counted: approval.counted };
}

const isSame = (one: unknown, other: unknown) => one === other || JSON.stringify(one) === JSON.stringify(other);
