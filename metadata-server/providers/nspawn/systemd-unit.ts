import { join } from "node:path";
import { exists } from "#lib/files.ts";
import { run } from "#lib/run.ts";
import { cgroupRoot, detectCgroupMode } from "./cgroups.ts";
import { consoleFile, readConsoleTail } from "./machine-folder.ts";
import { nspawnArguments, nspawnEnvironment } from "./nspawn-arguments.ts";

/** Whether systemd is the host's PID 1. It then owns the cgroup tree, and each machine is a transient unit. */
export const hasSystemd = () => exists("/run/systemd/system");

/** The folder of the machine's unit in the hierarchy in which systemd tracks processes. */
export async function unitCgroup(machine: string): Promise<string> {
  const hierarchy = (await detectCgroupMode()) === "unified" ? "" : "systemd";
  return join(cgroupRoot, hierarchy, "machine.slice", `${machine}.service`);
}

/**
 * Starts the machine as a unit, and returns once nspawn has reported that it runs. nspawn is the main process: a second
 * process in the unit's cgroup would prevent the delegation of controllers, and the machine would have none.
 */
export async function startUnit(folder: string, machine: string, signal: AbortSignal): Promise<void> {
  const properties = [
    "Type=notify",
    "Delegate=yes",
    "TasksMax=infinity",
    // Nothing in the machine outlives it, so an orderly shutdown is pointless.
    "KillSignal=SIGKILL",
    // With --keep-unit, nspawn exits with 133 when the machine asked for a reboot.
    "RestartForceExitStatus=133",
    `StandardOutput=append:${consoleFile(folder)}`,
  ];
  await run(
    "systemd-run",
    [
      "--quiet",
      "--collect",
      `--unit=${machine}`,
      `--description=Machine ${machine}`,
      "--slice=machine.slice",
      ...properties.map((property) => `--property=${property}`),
      ...Object.entries(nspawnEnvironment).map(([name, value]) => `--setenv=${name}=${value}`),
      "systemd-nspawn",
      ...nspawnArguments(folder, machine),
    ],
    { signal },
  ).catch(async (error: unknown) => {
    signal.throwIfAborted();
    const said = (await readConsoleTail(folder)) || (error as { stderr?: string }).stderr;
    throw new Error(`Cannot start the machine: ${said || String(error)}`, { cause: error });
  });
}

const unitNotLoaded = 5;

/** Kills the unit's processes and waits until it has ended. No error if there is none. */
export async function stopUnit(machine: string): Promise<void> {
  await run("systemctl", ["stop", `${machine}.service`]).catch((error: unknown) => {
    if ((error as { exitCode?: number }).exitCode !== unitNotLoaded) throw error;
  });
}
