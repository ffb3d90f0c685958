import type { MachineEvent, MachineState } from "#api/machine.ts";
import { toTime } from "../clusters/lifecycle.ts";
import type { MachineRecord } from "../store/machine-record.ts";

const maxEvents = 100;
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

export interface Move {
  to: MachineState;
  at: number;
  /** For the timeline. */
  message: string;
  fields?: Partial<MachineRecord>;
}

/** The record in its next state, with the event that tells of it. Throws where the lifecycle has no such step. */
export function moveMachine(machine: MachineRecord, { to, at, message, fields = {} }: Move): MachineRecord {
  if (!canBecome(machine, to)) throw new Error(`Cannot move machine ${machine.id} from ${machine.state} to ${to}`);
  return withEvent({ ...machine, ...fields, state: to }, { type: "state", at, message });
}

/** The oldest events make room. */
export function withEvent(
  machine: MachineRecord,
  { type, at, message }: { type: MachineEvent["type"]; at: number; message: string },
): MachineRecord {
  const event = { at: toTime(at), type, message: message.slice(0, maxMessageLength) };
  return { ...machine, events: [...machine.events, event].slice(-maxEvents) };
}

/** An alert is told once, not with every request that repeats it. */
export function withAlert(machine: MachineRecord, { at, message }: { at: number; message: string }): MachineRecord {
  const isKnown = machine.events.some((event) => event.type === "alert" && event.message === message);
  return isKnown ? machine : withEvent(machine, { type: "alert", at, message });
}
