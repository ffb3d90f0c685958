import type { ChildProcess } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { run } from "../../run.ts";
import { cgroupProcesses, createCgroups, machineCgroups } from "./cgroups.ts";
import { nspawnArguments, nspawnEnvironment } from "./nspawn-arguments.ts";

const consoleFile = (folder: string) => join(folder, "console.log");
const script = join(import.meta.dirname, "supervise.sh");

/** Where systemd is the host's PID 1 it owns the cgroup tree, and a machine is a transient unit of its own. */
export const hasSystemd = () =>
  access("/run/systemd/system").then(
    () => true,
    () => false,
  );

/** Folders of the machine's cgroup: made by systemd, or by us where there is none. */
export async function planCgroups(machine: string): Promise<string[]> {
  return (await hasSystemd()) ? [`/sys/fs/cgroup/machine.slice/${machine}.service`] : machineCgroups(machine);
}

/** Starts the machine detached from this process; its console goes to `console.log` in the folder. */
export async function startMachine(folder: string, machine: string, cgroups: readonly string[]): Promise<void> {
  const nspawn = nspawnArguments(folder, machine);
  if (await hasSystemd()) return startUnit(folder, machine, nspawn);
  await createCgroups(cgroups);
  const supervisor = execa(script, [consoleFile(folder), ...cgroups, "--", ...nspawn], {
    detached: true,
    cleanup: false,
    env: nspawnEnvironment,
    stdio: "ignore",
    reject: false,
  });
  supervisor.nodeChildProcess.unref();
  await enteredCgroups(cgroups, { supervisor: supervisor.nodeChildProcess, folder });
}

// Until the supervisor is in its cgroups nobody could tell that the machine exists, or end it.
async function enteredCgroups(cgroups: readonly string[], options: { supervisor: ChildProcess; folder: string }) {
  for (;;) {
    const members = await Promise.all(cgroups.map(cgroupProcesses));
    if (members.every((pids) => pids.length > 0)) return;
    if (options.supervisor.exitCode !== null) {
      const console = await readFile(consoleFile(options.folder), "utf8").catch(() => "");
      throw new Error(`Cannot start the machine: ${console.slice(-2000).trim() || "its supervisor ended at once"}`);
    }
    await sleep(2);
  }
}

async function startUnit(folder: string, machine: string, nspawn: readonly string[]) {
  await run("systemd-run", [
    "--quiet",
    `--unit=${machine}`,
    "--slice=machine.slice",
    "--collect",
    "--property=Delegate=yes",
    "--property=KillMode=control-group",
    ...Object.entries(nspawnEnvironment).map(([name, value]) => `--setenv=${name}=${value}`),
    script,
    consoleFile(folder),
    "--",
    ...nspawn,
  ]);
}

/** The machine's own PID 1 as the host numbers it, for `nsenter`; undefined while it is not up. */
export async function machineLeader(cgroups: readonly string[]): Promise<number | undefined> {
  const pids = new Set((await Promise.all(cgroups.map(cgroupProcesses))).flat());
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    if (/^NSpid:\t\d+\t1$/m.test(status)) return pid;
  }
  return undefined;
}
