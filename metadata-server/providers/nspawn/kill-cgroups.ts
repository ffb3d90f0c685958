import { setTimeout as sleep } from "node:timers/promises";
import { cgroupProcesses } from "./cgroups.ts";
import { findFrozen, thaw } from "./frozen-cgroups.ts";

/** Kills until all of the cgroups are empty. Throws after `timeoutMs`. */
export async function killCgroups(folders: readonly string[], timeoutMs: number): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const pids = new Set((await Promise.all(folders.map(cgroupProcesses))).flat());
    if (pids.size === 0) return;
    if (performance.now() > end)
      throw new Error(
        `Cannot terminate the machine: processes ${[...pids].join(", ")} survived SIGKILL for ${timeoutMs} ms`,
      );
    for (const pid of pids) kill(pid);
    await thaw(await findFrozen(folders));
    await sleep(20);
  }
}

function kill(pid: number) {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
