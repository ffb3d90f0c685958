import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { cgroupProcesses } from "../../metadata-server/providers/nspawn/cgroups.ts";
import { readNspawnRecord } from "../../metadata-server/providers/nspawn/machine-folder.ts";

const environment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  TERM: "dumb",
  KUBECONFIG: "/etc/kubernetes/admin.conf",
};

/** A command that restarts a machine as a power cut does: nothing is stopped or flushed first. */
export const cutPower = ["systemctl", "reboot", "--force", "--force"];

export interface ExecResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs a program inside a running nspawn machine, in all of its namespaces; waits for the machine to be up. */
export async function execInMachine(
  machine: { machinesDir: string; allocation: string },
  argv: readonly string[],
  options: { input?: string; signal?: AbortSignal } = {},
): Promise<ExecResult> {
  const leader = await waitForLeader(machine, options.signal);
  const result = await execa(
    "nsenter",
    ["-t", String(leader), "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--", ...argv],
    {
      extendEnv: false,
      env: environment,
      reject: false,
      ...(options.signal ? { cancelSignal: options.signal } : {}),
      ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
    },
  );
  return { exitCode: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

async function waitForLeader(machine: { machinesDir: string; allocation: string }, signal?: AbortSignal) {
  for (;;) {
    const record = await readNspawnRecord(join(machine.machinesDir, machine.allocation));
    const leader = record && (await machineLeader(record.cgroups));
    if (leader) return leader;
    await sleep(20, undefined, signal ? { signal } : {});
  }
}

/** The host's id of the machine's PID 1, for `nsenter`; undefined until it runs. */
export async function machineLeader(cgroups: readonly string[]): Promise<number | undefined> {
  const pids = new Set((await Promise.all(cgroups.map(cgroupProcesses))).flat());
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    if (/^NSpid:\t\d+\t1$/m.test(status)) return pid;
  }
  return undefined;
}

/** Kills a machine at once, with all that runs in it. */
export async function killMachine(machine: { machinesDir: string; allocation: string }): Promise<void> {
  process.kill(await waitForLeader(machine), "SIGKILL");
}
