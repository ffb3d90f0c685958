import { access } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../run.ts";
import { cgroupRoot, detectCgroupMode } from "./cgroups.ts";
import { consoleFile, readConsoleTail } from "./machine-folder.ts";
import { nspawnArguments, nspawnEnvironment } from "./nspawn-arguments.ts";

/** Where systemd is the host's PID 1 it owns the cgroup tree, and a machine is a transient unit of its own. */
export const hasSystemd = () =>
  access("/run/systemd/system").then(
    () => true,
    () => false,
  );

/** The folder that systemd makes for the machine's unit, in the hierarchy by which it keeps account of processes. */
export async function unitCgroup(machine: string): Promise<string> {
  const hierarchy = (await detectCgroupMode()) === "unified" ? "" : "systemd";
  return join(cgroupRoot, hierarchy, "machine.slice", `${machine}.service`);
}

/**
 * Starts the machine as a unit, and returns once nspawn has said that it runs. nspawn itself is the main process: with
 * any other beside it in the unit's cgroup, no controller could be passed on below and the machine would have none.
 */
export async function startUnit(folder: string, machine: string, signal: AbortSignal): Promise<void> {
  const properties = [
    "Type=notify",
    "Delegate=yes",
    "TasksMax=infinity",
    // Nothing in the machine outlives it, so there is nothing to shut down in order.
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

/** Kills the unit's processes and waits for its end. No error where there is none. */
export async function stopUnit(machine: string): Promise<void> {
  await run("systemctl", ["stop", `${machine}.service`]).catch((error: unknown) => {
    if ((error as { exitCode?: number }).exitCode !== unitNotLoaded) throw error;
  });
}
