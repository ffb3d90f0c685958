import { setTimeout as sleep } from "node:timers/promises";
import { ExecaError } from "execa";
import { run } from "#lib/run.ts";

interface ShutdownOptions {
  /** SIGTERM, which a shutdown sends to every program. */
  interrupted: AbortSignal;
  /** How long a shutdown may take to end this program. */
  limitMs?: number;
  /** The state of systemd, by `systemctl is-system-running`. */
  askState?: () => Promise<string>;
}

const pauseMs = 100;

/**
 * While the machine shuts down, waits to be ended with it. What fails in these moments fails because of the shutdown, and
 * the next boot continues: it is no verdict on the node. Returns at once on a machine that keeps running.
 */
export async function outlastShutdown(options: ShutdownOptions): Promise<void> {
  const { interrupted, limitMs = 15_000, askState = askSystemd } = options;
  const limit = AbortSignal.any([interrupted, AbortSignal.timeout(limitMs)]);
  while (!limit.aborted && isEnding(await askState()))
    await sleep(pauseMs, undefined, { signal: limit }).catch(() => {});
}

/** After `reboot --force --force`, systemd is gone a moment before the other programs, and systemctl prints no state. */
const isEnding = (state: string) => state === "stopping" || state === "";

/** Returns one of the states in systemctl(1), `offline` without systemd, or nothing if systemd cannot be reached. */
async function askSystemd(): Promise<string> {
  try {
    return await run("systemctl", ["is-system-running"], { signal: AbortSignal.timeout(5000) });
  } catch (error) {
    // Its exit code is 1 for every state but `running`.
    if (error instanceof ExecaError && error.exitCode !== undefined) return String(error.stdout).trim();
    return "offline";
  }
}
