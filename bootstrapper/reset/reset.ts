import { readFile, rm } from "node:fs/promises";
import { BootstrapError } from "../errors.ts";
import { exec } from "../exec.ts";
import { below, syncFiles, writeFileAtomic } from "../files.ts";
import { type AllocationRecord, readAllocation } from "../journal/allocation.ts";
import { nodeFolder, resetFile } from "../journal/node-folder.ts";
import { lockMachine } from "../lock.ts";
import { createRedactor } from "../redact.ts";
import { removeContainers } from "./containers.ts";
import { podMounts } from "./mounts.ts";
import { removeNetwork } from "./network.ts";
import { emptyFolder, removeNodeState } from "./node-state.ts";
import type { Undo } from "./undo.ts";

export interface ResetOptions {
  root: string;
  write: (line: string) => void;
  signal: AbortSignal;
}

const timeoutMs = 120_000;
/** For a bring-up that ends, or another reset. */
const patienceMs = 5000;
const bringUpUnit = "sprout-bootstrap.service";
const units = ["sprout-route-agent.service", "kubelet.service"];

/** In this order: nothing that is removed is used by what is left. Each finds what is there, so all may run again. */
const parts: [name: string, undo: (undo: Undo) => Promise<string>][] = [
  ["units", stopUnits],
  ["containers", removeContainers],
  ["mounts", unmountPods],
  ["network", removeNetwork],
  ["files", removeNodeState],
  ["container runtime", restartContainerRuntime],
];

/**
 * Undoes everything a bring-up did: afterwards the machine is as it was imaged, and may become another allocation's.
 * Says what it did. Where it is interrupted, `run` refuses the machine until it has run to its end. Throws BootstrapError.
 */
export async function reset({ root, write, signal }: ResetOptions): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const redact = createRedactor();
  const say = (message: string, fields: object = {}) =>
    write(`${JSON.stringify({ time: new Date().toISOString(), level: "info", message, ...fields })}\n`);
  const run: Undo["exec"] = (command, input) => exec(command, { signal: limit, redact, input });
  const attempt: Undo["attempt"] = (command) =>
    run(command).then(
      () => true,
      () => {
        if (!limit.aborted) return false;
        const why = signal.aborted ? "it was told to end" : `it took longer than ${timeoutMs / 1000} s`;
        throw new BootstrapError("kubernetes", `Cannot finish the reset: ${why} (${command.join(" ")}); run it again`);
      },
    );
  // A bring-up goes on for some seconds after its cluster is Ready. Stopped, it is not started again either.
  const isStopped = await attempt(["systemctl", "stop", bringUpUnit]);
  say("reset bring-up", { did: `${bringUpUnit} ${isStopped ? "stopped" : "is not there"}` });
  const unlock = await lockMachine(root, { verb: "reset", patienceMs });
  const record = await readRecord(root, say);
  const marker = below(root, resetFile);
  await writeFileAtomic(marker, "", 0o600);
  await syncFiles([marker]);
  const tools: Undo = { root, signal: limit, record, exec: run, attempt };
  for (const [name, undo] of parts) say(`reset ${name}`, { did: await undo(tools) });
  // The marker last: until then no run takes this machine.
  await emptyFolder(below(root, nodeFolder), { last: "reset" });
  await rm(below(root, nodeFolder), { recursive: true });
  say("reset done", record === undefined ? {} : { allocation: record.metadata.allocation });
  unlock();
}

/** A damaged one is no reason to keep the machine as it is. */
async function readRecord(root: string, say: (message: string) => void): Promise<AllocationRecord | undefined> {
  try {
    return await readAllocation(root);
  } catch (error) {
    say(`going on without the record: ${(error as Error).message}`);
    return undefined;
  }
}

async function stopUnits({ exec: run }: Undo): Promise<string> {
  await run(["systemctl", "stop", ...units]);
  return `${units.join(", ")} stopped`;
}

async function unmountPods({ root, exec: run, attempt }: Undo): Promise<string> {
  const mounts = podMounts(await readFile(below(root, "/proc/self/mountinfo"), "utf8"));
  // What is still in use goes when its last user does, which no longer has a name for it.
  for (const mount of mounts) if (!(await attempt(["umount", mount]))) await run(["umount", "--lazy", mount]);
  return `${mounts.length} mounts removed`;
}

/** Its list of pods is in its memory, and its empty folders of them are in the way of nobody but it. */
async function restartContainerRuntime({ exec: run }: Undo): Promise<string> {
  await run(["systemctl", "restart", "containerd.service"]);
  return "containerd restarted";
}
