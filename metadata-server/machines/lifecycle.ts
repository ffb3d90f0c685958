import type { MachineEvent, MachineState } from "#api/machine.ts";
import { toTime } from "../clusters/lifecycle.ts";
import type { ClaimKind, MachineRecord } from "../store/machine-record.ts";
import { boundTimeline } from "./timeline.ts";

const maxMessageLength = 1000;

const successors: Record<MachineState, readonly MachineState[]> = {
  seen: ["approved", "free", "refused"],
  approved: ["free", "refused"],
  free: ["assigned", "refused"],
  assigned: ["released"],
  released: ["free", "refused"],
  refused: ["approved", "free"],
};

export const canBecome = ({ state }: Pick<MachineRecord, "state">, next: MachineState) =>
  successors[state].includes(next);

interface Move {
  to: MachineState;
  at: number;
  /** For the timeline. */
  message: string;
  fields?: Partial<MachineRecord>;
}

/** Returns the record in its next state, with an event. Throws if the lifecycle has no such step. */
export function moveMachine(machine: MachineRecord, { to, at, message, fields = {} }: Move): MachineRecord {
  if (!canBecome(machine, to)) throw new Error(`Cannot move machine ${machine.id} from ${machine.state} to ${to}`);
  return withEvent({ ...machine, ...fields, state: to }, { type: "state", at, message });
}

/** What every new machine begins with. */
export const blankMachine = (createdAt: number) => ({
  assignment: null,
  bootWindow: null,
  createdAt,
  firstSeenAt: null,
  lastSeenAt: null,
  lastSeenFrom: null,
  events: [],
  version: 0,
});

/** Fields of a machine that leaves its cluster. Its disk may hold what an installation left there. */
export const unassigned = ({ assignment }: MachineRecord): Partial<MachineRecord> => ({
  assignment: null,
  bootWindow: null,
  ...(assignment?.install && { wasInstalled: true }),
});

interface Noted {
  at: number;
  message: string;
  /** Given if any host on the segment can cause it. */
  claim?: ClaimKind;
}

/** Adds an event, on one line; the oldest ones are dropped. */
export function withEvent(
  machine: MachineRecord,
  { type, at, message, claim }: Noted & { type: MachineEvent["type"] },
): MachineRecord {
  const line = message.replace(/\s+/g, " ").trim();
  const event = { at: toTime(at), type, message: line.slice(0, maxMessageLength), ...(claim && { claim }) };
  return { ...machine, events: boundTimeline([...machine.events, event]) };
}

/** Adds an alert, once: not with every request that repeats it. */
export function withAlert(machine: MachineRecord, alert: Noted): MachineRecord {
  const isKnown = machine.events.some(({ type, message }) => type === "alert" && message === alert.message);
  return isKnown ? machine : withEvent(machine, { type: "alert", ...alert });
}
