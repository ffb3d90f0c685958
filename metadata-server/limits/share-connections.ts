import { readFile } from "node:fs/promises";

/** Open connections that a listener admits. */
export interface ConnectionBounds {
  perAddress: number;
  total: number;
}

const mostOfApi = 20_000;
const mostOfPlain = 5000;

/** Returns how many files this process may open (proc(5)). Node has raised the soft limit to the hard one. */
export async function readOpenFileLimit(): Promise<number> {
  const [, soft] = /^Max open files +(\d+|unlimited)/m.exec(await readFile("/proc/self/limits", "utf8")) ?? [];
  return soft === undefined || soft === "unlimited" ? Number.POSITIVE_INFINITY : Number(soft);
}

/**
 * Shares the files that the process may open, so that a flood of the plain listener never takes the API's: half are
 * the API's connections, and an eighth the plain listener's, whose connections hold a second file to send. The rest is
 * the store's and the programs'. No address gets more than half of a listener.
 */
export function shareConnections(
  connectionsPerAddress: number,
  openFiles: number,
): Record<"api" | "plain", ConnectionBounds> {
  return {
    api: share(connectionsPerAddress, Math.min(mostOfApi, Math.floor(openFiles / 2))),
    plain: share(connectionsPerAddress / 2, Math.min(mostOfPlain, Math.floor(openFiles / 8))),
  };
}

const share = (perAddress: number, total: number): ConnectionBounds => ({
  perAddress: Math.floor(Math.min(perAddress, total / 2)),
  total,
});
