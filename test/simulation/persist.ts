import { setTimeout as sleep } from "node:timers/promises";
import { CliError, exitCodes } from "../../cli/exit-code.ts";

const tries = 400;
const delayMs = 50;

/** Repeats a request while the server is unreachable, and only then, as a platform does. */
export async function persist<T>(call: () => Promise<T>): Promise<T> {
  for (let left = tries; ; left--) {
    try {
      return await call();
    } catch (error) {
      if (left === 0 || !isAway(error)) throw error;
      await sleep(delayMs);
    }
  }
}

function isAway(error: unknown): boolean {
  if (error instanceof CliError) return error.exitCode === exitCodes.unreachable;
  return ["ECONNREFUSED", "ECONNRESET", "EPIPE"].includes((error as NodeJS.ErrnoException).code ?? "");
}
