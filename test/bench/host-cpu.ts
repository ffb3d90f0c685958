import { readFile } from "node:fs/promises";

/** `USER_HZ`, the same on every Linux. */
const ticksPerSecond = 100;

/** Seconds that the host's processors were busy since boot, by any process (proc(5), /proc/stat). */
export async function busyCpuSeconds(): Promise<number> {
  const [line = ""] = (await readFile("/proc/stat", "utf8")).split("\n");
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / ticksPerSecond;
}
