import { auditAllowed, bySprout } from "../clusters/audit.ts";
import { decide } from "../clusters/decide.ts";
import { createMachineId } from "../clusters/identifiers.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import { type Changes, StoreConflict } from "../store/store.ts";
import { type BootDecision, decideBoot } from "./boot-decision.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { decideSighting, type Sighting, type SightingOutcome, type Surroundings } from "./sighting.ts";

/** Machines that wait for approval; whoever is on the segment can make up any number of them. */
const maxUnapproved = 1000;
/** Machines with one UUID that are told of each other; some boards all have the same. */
const maxNamesakes = 2;
const maxAttempts = 10;

export interface SeenMachine {
  machine: MachineRecord;
  decision: BootDecision;
}

/** A machine asks what to do: registers it as seen, notes what it says of itself, and answers what it is to do now. */
export async function seeMachine(deps: MachineDependencies, sighting: Sighting): Promise<SeenMachine> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { decision, outcome } = await decide(deps.store, () => attemptSighting(deps, sighting));
      report(deps, outcome);
      return { machine: outcome.machine, decision };
    } catch (error) {
      // Its first two requests at once: the second one finds what the first one registered.
      if (!(error instanceof StoreConflict && error.reason === "mac-taken") || attempt === maxAttempts) throw error;
    }
  }
}

async function attemptSighting(deps: MachineDependencies, sighting: Sighting) {
  const now = deps.clock.now();
  const surroundings = await look(deps, sighting);
  const context = { now, createId: () => createMachineId(deps.random) };
  const outcome = decideSighting(sighting, surroundings, context);
  const { machine, mismatch } = outcome;
  const decision: BootDecision =
    mismatch === undefined ? decideBoot(machine, now) : { do: "nothing", because: mismatch };
  const isChanged = machine !== surroundings.known || outcome.warned.length > 0;
  return { ...(isChanged && { changes: await toChanges(deps, outcome, now) }), result: { decision, outcome } };
}

async function look({ store }: MachineDependencies, { macs, uuid }: Sighting): Promise<Surroundings> {
  const [mac = "", ...others] = macs;
  const known = await store.machineByMac(mac);
  // Nothing below bears on a machine that is known and says what is known of it.
  const isInstalled = known !== undefined && (await hasCalledFromDisk(store, known));
  if (known !== undefined && known.state !== "seen" && (uuid === null || known.uuid === uuid))
    return { known, namesakes: [], foreignMacs: new Map(), rules: [], isInstalled };
  const holders = await Promise.all(others.map((other) => store.machineByMac(other)));
  const foreign = holders.flatMap((holder, index) =>
    holder === undefined || holder.id === known?.id ? [] : [[others[index] ?? "", holder.id] as const],
  );
  const isNewUuid = uuid !== null && uuid !== known?.uuid;
  const namesakes = isNewUuid ? await store.machines({ uuid, limit: maxNamesakes }) : [];
  const rules = (await store.approvalRules())?.rules ?? [];
  return { known, namesakes, foreignMacs: new Map(foreign), rules, isInstalled };
}

/** The node says so itself, over TLS and with the capability that is bound to it. */
async function hasCalledFromDisk(store: MachineDependencies["store"], { state, assignment }: MachineRecord) {
  if (state !== "assigned" || assignment?.install !== true || assignment.installedAt !== null) return false;
  const node = await store.member(assignment.clusterId, assignment.member);
  return node?.allocation === assignment.allocation && node.bound?.rootDevice === "disk";
}

async function toChanges({ store }: MachineDependencies, outcome: SightingOutcome, at: number): Promise<Changes> {
  const { machine, warned, approvedBy } = outcome;
  const detail = `machine ${machine.id} (MAC ${machine.provisioningMac}) by rule ${approvedBy}`;
  const isNewcomer = machine.version === 0 && machine.state === "seen";
  return {
    machines: [machine, ...warned],
    removedMachines: isNewcomer ? await makeRoom(store, warned) : [],
    audit: approvedBy === undefined ? [] : [auditAllowed(bySprout, { action: "approve", at, clusterId: null, detail })],
  };
}

/** Those that were not heard of for the longest time make room; a real machine asks again and comes back. */
async function makeRoom(store: MachineDependencies["store"], warned: readonly MachineRecord[]) {
  const excess = (await store.countMachines("seen")) + 1 - maxUnapproved;
  if (excess <= 0) return [];
  const oldest = await store.longestUnseen(excess + warned.length);
  return oldest.filter(({ id }) => !warned.some((machine) => machine.id === id)).slice(0, excess);
}

function report({ logger, observer }: MachineDependencies, { machine, alerts }: SightingOutcome): void {
  for (const { code, message } of alerts) {
    observer.alert(code);
    logger.warn("Alert", { code, machine: machine.id, message });
  }
  if (machine.version === 0)
    logger.info("Machine seen for the first time", { machine: machine.id, mac: machine.provisioningMac });
}
