import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Phase, PhaseState } from "#api/phase.ts";

interface Machine {
  machinesDir: string;
  allocation: string;
}

/** A machine's console output so far, over all its boots. */
export const readConsole = ({ machinesDir, allocation }: Machine) =>
  readFile(join(machinesDir, allocation, "console.log"), "utf8").catch(() => "");

/** Waits until a machine's bootstrapper has reported the start or end of a step. */
export async function waitForStep(
  machine: Machine,
  { phase, state, signal }: { phase: Phase; state: PhaseState; signal: AbortSignal },
): Promise<void> {
  while (!(await readConsole(machine)).includes(`"message":"${phase} ${state}"`))
    await sleep(10, undefined, { signal });
}
