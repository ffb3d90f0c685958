import { readFile } from "node:fs/promises";
import { z } from "zod";
import { below } from "../files.ts";

/** When something happened, by both clocks: the monotonic one counts from the boot and is comparable within it only. */
export const stampFields = {
  /** `/proc/sys/kernel/random/boot_id`. */
  bootId: z.string(),
  time: z.iso.datetime(),
  /** CLOCK_MONOTONIC. */
  monotonicMs: z.number().nonnegative(),
};
const Stamp = z.strictObject(stampFields);
export type Stamp = z.infer<typeof Stamp>;

const bootIdFile = "/proc/sys/kernel/random/boot_id";

/** Reads the boot id once. A machine without one is taken for rebooted every time. */
export async function createStamper(root: string): Promise<() => Stamp> {
  const text = await readFile(below(root, bootIdFile), "utf8").catch(() => "");
  const bootId = text.trim();
  return () => ({
    bootId,
    time: new Date().toISOString(),
    monotonicMs: Math.round(Number(process.hrtime.bigint() / 1_000_000n)),
  });
}

export const isSameBoot = (one: Stamp, other: Stamp) => one.bootId !== "" && one.bootId === other.bootId;
