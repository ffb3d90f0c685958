import type { Undo } from "./undo.ts";

const namespace = ["ctr", "--namespace", "k8s.io"] as const;

/** Ends and removes every container of Kubernetes, sandboxes included; images stay. */
export async function removeContainers({ exec, attempt }: Undo): Promise<string> {
  await exec(["systemctl", "start", "containerd.service"]);
  const ids = lines(await exec([...namespace, "containers", "ls", "--quiet"]));
  for (const id of ids) {
    // Whether it still runs does not matter; that it is gone afterwards does.
    await attempt([...namespace, "tasks", "delete", "--force", id]);
    await exec([...namespace, "containers", "delete", id]);
  }
  return `${ids.length} containers removed`;
}

const lines = (text: string) => text.split("\n").filter((line) => line !== "");
