import { readFile, rm } from "node:fs/promises";
import { consoleLine } from "../console-line.ts";
import { BootstrapError } from "../errors.ts";
import { exec } from "../machine/exec.ts";
import { below, syncFiles, writeFileAtomic } from "../machine/files.ts";
import { type AllocationRecord, readAllocation } from "../journal/allocation.ts";
import { nodeFolder, resetFile } from "../journal/node-folder.ts";
import { lockMachine } from "../run/lock.ts";
import { createRedactor } from "../redact.ts";
import { removeContainers } from "./containers.ts";
import { podMounts } from "./mounts.ts";
import { removeNetwork } from "./network.ts";
import { loadBalancerUnit, virtualAddressUnit } from "../render/load-balancer.ts";
import { emptyFolder, removeNodeState } from "./node-state.ts";
import type { ResetContext } from "./reset-context.ts";

interface ResetOptions {
  root: string;
  write: (line: string) => void;
  signal: AbortSignal;
}

const timeoutMs = 120_000;
/** For a bring-up that is ending, or another reset. */
const patienceMs = 5000;
const bringUpUnit = "sprout-bootstrap.service";
const units = ["sprout-network-agent.service", "kubelet.service", virtualAddressUnit, loadBalancerUnit];

/** In this order: no part removes what a later part uses. Each part takes what it finds, so all may run again. */
const parts: [name: string, part: (context: ResetContext) => Promise<string>][] = [
  ["units", stopUnits],
  ["containers", removeContainers],
  ["mounts", unmountPods],
  ["network", removeNetwork],
  ["files", removeNodeState],
  ["container runtime", restartContainerRuntime],
];

/**
 * Undoes everything that a bring-up did. The machine is then as it was imaged, and free for another allocation. Reports
 * what it did. If it is interrupted, `run` refuses the machine until a reset completes. Throws BootstrapError.
 */
export async function reset({ root, write, signal }: ResetOptions): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const redact = createRedactor();
  const say = (message: string, fields: object = {}) => write(consoleLine({ level: "info", message, ...fields }));
  const run: ResetContext["exec"] = (command, input) => exec(command, { signal: limit, redact, input });
  const attempt: ResetContext["attempt"] = (command) =>
    run(command).then(
      () => true,
      () => {
        if (!limit.aborted) return false;
        const why = signal.aborted ? "it was interrupted" : `it took longer than ${timeoutMs / 1000} s`;
        throw new BootstrapError("kubernetes", `Cannot finish the reset: ${why} (${command.join(" ")}); run it again`);
      },
    );
  // A bring-up continues for some seconds after its cluster is Ready. Once stopped, it is not started again.
  const isStopped = await attempt(["systemctl", "stop", bringUpUnit]);
  say("reset bring-up", { did: `${bringUpUnit} ${isStopped ? "stopped" : "does not exist"}` });
  const unlock = await lockMachine(root, { verb: "reset", patienceMs });
  const record = await readRecord(root, say);
  const marker = below(root, resetFile);
  await writeFileAtomic(marker, "", 0o600);
  await syncFiles([marker]);
  const context: ResetContext = { root, signal: limit, record, exec: run, attempt };
  for (const [name, part] of parts) say(`reset ${name}`, { did: await part(context) });
  // The marker last: until then no run takes this machine.
  await emptyFolder(below(root, nodeFolder), { last: "reset" });
  await rm(below(root, nodeFolder), { recursive: true });
  say("reset done", record === undefined ? {} : { allocation: record.metadata.allocation });
  unlock();
}

/** Reads the record. A damaged one must not keep the machine from being reset. */
async function readRecord(root: string, say: (message: string) => void): Promise<AllocationRecord | undefined> {
  try {
    return await readAllocation(root);
  } catch (error) {
    say(`continuing without the record: ${(error as Error).message}`);
    return undefined;
  }
}

async function stopUnits({ exec: run }: ResetContext): Promise<string> {
  await run(["systemctl", "stop", ...units]);
  return `${units.join(", ")} stopped`;
}

async function unmountPods({ root, exec: run, attempt }: ResetContext): Promise<string> {
  const mounts = podMounts(await readFile(below(root, "/proc/self/mountinfo"), "utf8"));
  // A mount that is still in use disappears with its last user, which can no longer reach it by name.
  for (const mount of mounts) if (!(await attempt(["umount", mount]))) await run(["umount", "--lazy", mount]);
  return `${mounts.length} mounts removed`;
}

/** containerd keeps its list of pods in memory, so it must restart. Its empty pod folders disturb no other program. */
async function restartContainerRuntime({ exec: run }: ResetContext): Promise<string> {
  await run(["systemctl", "restart", "containerd.service"]);
  return "containerd restarted";
}
