import { poll } from "../poll.ts";
import type { ResetContext } from "./reset-context.ts";

const ctr = ["ctr", "--namespace", "k8s.io"] as const;
const intervalMs = 100;
const endTimeoutMs = 20_000;

/** Stops and removes every container of Kubernetes, sandboxes included. Images stay. */
export async function removeContainers(context: ResetContext): Promise<string> {
  const { exec, attempt } = context;
  await exec(["systemctl", "start", "containerd.service"]);
  // Not `tasks delete --force`: it waits forever for a sandbox whose end the CRI plugin hears of first.
  for (const id of await list(context, "tasks")) await attempt([...ctr, "tasks", "kill", "--signal", "SIGKILL", id]);
  await waitForEnd(context);
  const ids = await list(context, "containers");
  for (const id of ids) await exec([...ctr, "containers", "delete", id]);
  return `${ids.length} containers removed`;
}

/** Waits until every task has ended. The CRI plugin removes its own; this removes those that it has lost. */
async function waitForEnd(context: ResetContext): Promise<void> {
  const ask = async () => {
    const tasks = await list(context, "tasks");
    for (const id of tasks) await context.attempt([...ctr, "tasks", "delete", id]);
    if (tasks.length > 0) throw new Error(`${tasks.length} still run`);
    return true;
  };
  const signal = AbortSignal.any([context.signal, AbortSignal.timeout(endTimeoutMs)]);
  await poll(ask, { signal, intervalMs, failure: "Cannot stop the containers" });
}

const list = async ({ exec }: ResetContext, what: "tasks" | "containers") =>
  (await exec([...ctr, what, "ls", "--quiet"])).split("\n").filter((line) => line !== "");
