import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { cgroupProcesses, createCgroups, machineCgroups, removeCgroups } from "./cgroups.ts";
import { killCgroups } from "./kill-cgroups.ts";
import { consoleFile, readConsoleTail } from "./machine-folder.ts";
import { nspawnArguments, nspawnEnvironment } from "./nspawn-arguments.ts";
import { hasSystemd, startUnit, stopUnit, unitCgroup } from "./systemd-unit.ts";

export interface StartOptions {
  machine: string;
  cgroups: readonly string[];
  signal: AbortSignal;
}

const script = join(import.meta.dirname, "supervise.sh");

/** Folders of the machine's cgroups, which systemd creates, or Sprout without systemd. */
export async function planCgroups(machine: string): Promise<string[]> {
  return (await hasSystemd()) ? [await unitCgroup(machine)] : machineCgroups(machine);
}

/** Starts the machine detached from this process; its console goes to `console.log` in the folder. */
export async function startMachine(folder: string, options: StartOptions): Promise<void> {
  if (await hasSystemd()) await startUnit(folder, options.machine, options.signal);
  else await startSupervisor(folder, options);
}

async function startSupervisor(folder: string, { machine, cgroups, signal }: StartOptions) {
  signal.throwIfAborted();
  await createCgroups(cgroups);
  const supervisor = execa(script, [consoleFile(folder), ...cgroups, "--", ...nspawnArguments(folder, machine)], {
    detached: true,
    cleanup: false,
    env: nspawnEnvironment,
    stdio: "ignore",
    reject: false,
  });
  const { nodeChildProcess } = supervisor;
  nodeChildProcess.unref();
  // Until the supervisor is in its cgroups, the machine can be neither found nor terminated.
  while (!(await Promise.all(cgroups.map(cgroupProcesses))).every((pids) => pids.length > 0)) {
    if (nodeChildProcess.exitCode !== null)
      throw new Error(`Cannot start the machine: ${(await readConsoleTail(folder)) || "its supervisor ended at once"}`);
    await sleep(2, undefined, { signal });
  }
}

/** Kills everything in the machine and removes its cgroups. No error if there are none. */
export async function stopMachine(machine: string, cgroups: readonly string[]): Promise<void> {
  if (await hasSystemd()) await stopUnit(machine);
  await killCgroups(cgroups, 10_000);
  await removeCgroups(cgroups);
}
