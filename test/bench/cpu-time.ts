import { readdir, readFile } from "node:fs/promises";

/** `USER_HZ`, the same on every Linux. */
const ticksPerSecond = 100;

interface ProcessTimes {
  pid: number;
  parent: number;
  ticks: number;
}

/** Processor time, user and system, of a process and all its living descendants, in seconds. */
export async function cpuSecondsOf(pid: number): Promise<number> {
  const numbers = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const all = (await Promise.all(numbers.map(readTimes))).filter((one) => one !== undefined);
  const ticksFrom = (root: number): number =>
    all.filter(({ parent }) => parent === root).reduce((sum, child) => sum + child.ticks + ticksFrom(child.pid), 0);
  const own = all.find((one) => one.pid === pid)?.ticks;
  if (own === undefined) throw new Error(`Cannot measure process ${pid}: it has ended`);
  return (own + ticksFrom(pid)) / ticksPerSecond;
}

/** proc(5): after the name in parentheses, which may hold anything, come state, parent, … utime and stime. */
async function readTimes(pid: string): Promise<ProcessTimes | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields.length < 13) return undefined;
  return { pid: Number(pid), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
}
