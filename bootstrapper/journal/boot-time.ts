import { z } from "zod";
import { readOrEmpty } from "../machine/files.ts";

/** A time by both clocks. The monotonic one counts from the boot, and is comparable only within it. */
export const bootTimeFields = {
  /** `/proc/sys/kernel/random/boot_id`. */
  bootId: z.string(),
  time: z.iso.datetime(),
  /** CLOCK_MONOTONIC. */
  monotonicMs: z.number().nonnegative(),
};
const BootTime = z.strictObject(bootTimeFields);
export type BootTime = z.infer<typeof BootTime>;

const bootIdFile = "/proc/sys/kernel/random/boot_id";

/** Reads the boot id once. A machine without one counts as rebooted every time. */
export async function createBootClock(root: string): Promise<() => BootTime> {
  const bootId = (await readOrEmpty(root, bootIdFile)).trim();
  return () => ({
    bootId,
    time: new Date().toISOString(),
    monotonicMs: Math.round(Number(process.hrtime.bigint() / 1_000_000n)),
  });
}

export const isSameBoot = (one: BootTime, other: BootTime) => one.bootId !== "" && one.bootId === other.bootId;
