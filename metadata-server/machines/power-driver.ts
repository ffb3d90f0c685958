import type { MachineRecord } from "../store/machine-record.ts";

/** What a power action came to. */
export interface PowerResult {
  /** Whether the machine is known to be so now; otherwise somebody has been asked to see to it. */
  isDone: boolean;
  /** For the machine's timeline. */
  message: string;
}

/** How machines are switched on and off. Every call is idempotent and throws where it cannot be done before the signal. */
export interface PowerDriver {
  on(machine: MachineRecord, signal: AbortSignal): Promise<PowerResult>;
  off(machine: MachineRecord, signal: AbortSignal): Promise<PowerResult>;
  /** The next boot, and no other, goes over the network. */
  oneTimeNetworkBoot(machine: MachineRecord, signal: AbortSignal): Promise<PowerResult>;
  state(machine: MachineRecord, signal: AbortSignal): Promise<"on" | "off" | "unknown">;
}

export type PowerDrivers = Partial<Record<MachineRecord["power"]["driver"], PowerDriver>>;

/** Throws where this server cannot switch machines of that kind. */
export function findPowerDriver(drivers: PowerDrivers, { id, power }: MachineRecord): PowerDriver {
  const driver = drivers[power.driver];
  if (driver === undefined)
    throw new Error(`Cannot switch machine ${id}: this server has no power driver ${power.driver}`);
  return driver;
}

const ask = async (message: string): Promise<PowerResult> => ({ isDone: false, message });

/** A person switches the machine; the timeline says when. */
export const manualPower: PowerDriver = {
  on: () => ask("Switch it on by hand, or let it ask again where it is on already"),
  off: () => ask("Switch it off by hand"),
  oneTimeNetworkBoot: () => ask("Let it boot from the network"),
  state: async () => "unknown",
};
