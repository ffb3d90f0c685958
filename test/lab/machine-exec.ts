import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { readMachineRecord } from "../../metadata-server/providers/nspawn/machine-folder.ts";
import { machineLeader } from "../../metadata-server/providers/nspawn/supervisor.ts";

const environment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
  TERM: "dumb",
  KUBECONFIG: "/etc/kubernetes/admin.conf",
};

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
    const record = await readMachineRecord(join(machine.machinesDir, machine.allocation));
    const leader = record && (await machineLeader(record.cgroups));
    if (leader) return leader;
    await sleep(20, undefined, signal ? { signal } : {});
  }
}
