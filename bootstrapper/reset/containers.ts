import { poll } from "../poll.ts";
import type { Undo } from "./undo.ts";

const ctr = ["ctr", "--namespace", "k8s.io"] as const;
const intervalMs = 100;
const endTimeoutMs = 20_000;

/** Ends and removes every container of Kubernetes, sandboxes included; images stay. */
export async function removeContainers(undo: Undo): Promise<string> {
  const { exec, attempt } = undo;
  await exec(["systemctl", "start", "containerd.service"]);
  // Each by itself: `tasks delete --force` waits for ever for a sandbox whose end the CRI plugin hears of first.
  for (const id of await list(undo, "tasks")) await attempt([...ctr, "tasks", "kill", "--signal", "SIGKILL", id]);
  await waitForEnd(undo);
  const ids = await list(undo, "containers");
  for (const id of ids) await exec([...ctr, "containers", "delete", id]);
  return `${ids.length} containers removed`;
}

/** The CRI plugin removes what has ended; what it does not know any more is left to us. */
async function waitForEnd(undo: Undo): Promise<void> {
  const ask = async () => {
    const tasks = await list(undo, "tasks");
    for (const id of tasks) await undo.attempt([...ctr, "tasks", "delete", id]);
    if (tasks.length > 0) throw new Error(`${tasks.length} still run`);
    return true;
  };
  const signal = AbortSignal.any([undo.signal, AbortSignal.timeout(endTimeoutMs)]);
  await poll(ask, { signal, intervalMs, failure: { code: "kubernetes", message: "Cannot end the containers" } });
}

const list = async ({ exec }: Undo, what: "tasks" | "containers") =>
  (await exec([...ctr, what, "ls", "--quiet"])).split("\n").filter((line) => line !== "");
