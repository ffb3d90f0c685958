import { isSameUuid } from "#api/hardware-identity.ts";
import { auditAllowed, bySprout } from "../clusters/audit.ts";
import { decide } from "../clusters/decide.ts";
import { createMachineId } from "../clusters/identifiers.ts";
import type { MachineRecord } from "../store/machine-record.ts";
import { StoreConflict } from "../store/store.ts";
import { type BootDecision, decideBoot } from "./boot-decision.ts";
import type { MachineDependencies } from "./dependencies.ts";
import { findByUuid } from "./find-by-uuid.ts";
import { decideSighting, type Sighting, type SightingOutcome, type Surroundings } from "./sighting.ts";

/** Limits the machines that wait for approval: any host on the segment can invent them. */
const maxUnapproved = 1000;
/** Limits how many machines with one UUID get an alert: all boards of some models have the same. */
const maxNamesakes = 2;
const maxAttempts = 10;

export interface SeenMachine {
  machine: MachineRecord;
  decision: BootDecision;
}

/** Registers a machine that asks what to do, records what it claims, and decides what it is to do now. */
export async function seeMachine(deps: MachineDependencies, sighting: Sighting): Promise<SeenMachine> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { decision, outcome } = await decideInTurn(deps, sighting);
      report(deps, outcome);
      return { machine: outcome.machine, decision };
    } catch (error) {
      // Two first requests at the same time: the second one finds what the first one registered.
      if (!(error instanceof StoreConflict && error.reason === "mac-taken") || attempt === maxAttempts) throw error;
    }
  }
}

/** Changes that many machines would make at once, of the rules' count or of the oldest machine, wait for their turn. */
async function decideInTurn(deps: MachineDependencies, sighting: Sighting) {
  const first = await decide(deps.store, () => attemptSighting(deps, sighting, { hasTurn: false }));
  if (!first.needsTurn) return first;
  return deps.inTurn(() => decide(deps.store, () => attemptSighting(deps, sighting, { hasTurn: true })));
}

async function attemptSighting(deps: MachineDependencies, sighting: Sighting, { hasTurn }: { hasTurn: boolean }) {
  const now = deps.clock.now();
  const surroundings = await look(deps, sighting);
  const context = { now, createId: () => createMachineId(deps.random) };
  const outcome = decideSighting(sighting, surroundings, context);
  const { machine, mismatch, warned, counted } = outcome;
  const decision: BootDecision =
    mismatch === undefined ? decideBoot(machine, now) : { do: "nothing", because: mismatch };
  const isChanged = machine !== surroundings.known || warned.length > 0 || counted !== undefined;
  const changes = isChanged ? await toChanges(deps, outcome, now) : undefined;
  const isShared = changes !== undefined && (counted !== undefined || changes.removedMachines.length > 0);
  const needsTurn = isShared && !hasTurn;
  return { ...(!needsTurn && changes && { changes }), result: { decision, outcome, needsTurn } };
}

async function look({ store }: MachineDependencies, { macs, uuid }: Sighting): Promise<Surroundings> {
  const [mac = "", ...others] = macs;
  const known = await store.machineByMac(mac);
  // A known machine whose claims match needs no further look-ups.
  const isInstalled = known !== undefined && (await hasCalledFromDisk(store, known));
  if (known !== undefined && known.state !== "seen" && (uuid === null || hasUuid(known, uuid)))
    return { known, namesakes: [], foreignMacs: new Map(), rules: undefined, isInstalled };
  const holders = await Promise.all(others.map((other) => store.machineByMac(other)));
  const foreign = holders.flatMap((holder, index) =>
    holder === undefined || holder.id === known?.id ? [] : [[others[index] ?? "", holder.id] as const],
  );
  const isNewUuid = uuid !== null && !(known && hasUuid(known, uuid));
  const namesakes = isNewUuid ? await findByUuid(store, { uuid, limit: maxNamesakes }) : [];
  const rules = await store.approvalRules();
  return { known, namesakes, foreignMacs: new Map(foreign), rules, isInstalled };
}

const hasUuid = (machine: MachineRecord, uuid: string) => machine.uuid !== null && isSameUuid(machine.uuid, uuid);

/** The node reported it over TLS, with the capability that is bound to it. */
async function hasCalledFromDisk(store: MachineDependencies["store"], { state, assignment }: MachineRecord) {
  if (state !== "assigned" || assignment?.install !== true || assignment.installedAt !== null) return false;
  const node = await store.member(assignment.clusterId, assignment.member);
  return node?.allocation === assignment.allocation && node.bound?.rootDevice === "disk";
}

async function toChanges({ store }: MachineDependencies, outcome: SightingOutcome, at: number) {
  const { machine, warned, approvedBy, counted } = outcome;
  const detail = `machine ${machine.id} (MAC ${machine.provisioningMac}) by rule ${approvedBy}`;
  const isNewcomer = machine.version === 0 && machine.state === "seen";
  return {
    machines: [machine, ...warned],
    removedMachines: isNewcomer ? await makeRoom(store, warned) : [],
    ...(counted && { approvalRules: counted }),
    audit: approvedBy === undefined ? [] : [auditAllowed(bySprout, { action: "approve", at, clusterId: null, detail })],
  };
}

/**
 * Drops machines of the address that invents most of them, the ones that were silent longest first. A real machine asks
 * again and comes back.
 */
async function makeRoom(store: MachineDependencies["store"], warned: readonly MachineRecord[]) {
  const excess = (await store.countMachines("seen")) + 1 - maxUnapproved;
  if (excess <= 0) return [];
  const oldest = await store.mostCrowded(excess + warned.length);
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
