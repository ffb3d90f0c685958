import { pause } from "#lib/clock.ts";
import { PowerError } from "../power-error.ts";
import type { RedfishClient } from "./client.ts";
import { type Boot, readBoot, readSettings, readSystem } from "./computer-system.ts";
import { patchCurrent } from "./patch-current.ts";

interface OfSystem {
  path: string;
  signal: AbortSignal;
}

const once = { BootSourceOverrideEnabled: "Once", BootSourceOverrideTarget: "Pxe" } as const;

/**
 * Sets PXE for the next boot and reads it back, because some controllers answer 200 and change nothing, or refuse and
 * change it. The first request leaves out the mode, UEFI or legacy, because it is read-only on some controllers. If
 * that fails, a second request sends the mode unchanged, because others fall back to legacy without it. Returns whether
 * the controller keeps PXE for every boot.
 */
export async function overrideNextBoot(
  client: RedfishClient,
  { path: systemPath, signal }: OfSystem,
): Promise<{ isKept: boolean }> {
  const system = await readSystem(client, { path: systemPath, signal });
  const [path, before] = (await findPendingBoot(client, { path: system.settingsPath, signal })) ?? [
    systemPath,
    system.boot,
  ];
  const allowable =
    before?.["BootSourceOverrideTarget@Redfish.AllowableValues"] ??
    system.boot?.["BootSourceOverrideTarget@Redfish.AllowableValues"];
  if (allowable !== undefined && !allowable.includes(once.BootSourceOverrideTarget))
    throw new PowerError("unsupported", `${client.host} cannot boot from Pxe once, only from ${allowable.join(", ")}`);
  const mode = before?.BootSourceOverrideMode;
  const bodies = mode === undefined ? [once] : [once, { ...once, BootSourceOverrideMode: mode }];
  let failure: PowerError | undefined;
  for (const [index, boot] of bodies.entries()) {
    const result = await tryOverride(client, { path, boot, mode, isLast: index === bodies.length - 1, signal });
    if (!(result instanceof PowerError)) return result;
    failure = result;
  }
  throw failure;
}

/** Reads the settings resource, in which some controllers keep pending changes (DSP0266, "Settings resource"). */
async function findPendingBoot(
  client: RedfishClient,
  { path, signal }: { path: string | undefined; signal: AbortSignal },
): Promise<[string, Boot] | undefined> {
  if (path === undefined) return undefined;
  const boot = (await readSettings(client, { path, signal }))?.boot;
  return boot?.BootSourceOverrideTarget === undefined ? undefined : [path, boot];
}

interface Override {
  path: string;
  boot: Record<string, string>;
  /** The mode before, which must not change. */
  mode: string | undefined;
  /** Whether no other request follows, so that it is worth to wait for an override that a refusal announced. */
  isLast: boolean;
  signal: AbortSignal;
}

async function tryOverride(client: RedfishClient, { path, boot, mode, isLast, signal }: Override) {
  const { clock, timing } = client;
  const refusal = await patchCurrent(client, { path, body: { Boot: boot }, signal }).catch((error: unknown) => {
    if (error instanceof PowerError && error.code === "rejected") return error;
    throw error;
  });
  const end = clock.now() + (refusal !== undefined && !isLast ? 0 : timing.settleMs);
  for (;;) {
    const { boot: now } = await readBoot(client, { path, signal });
    if (isOverridden(now) && (mode === undefined || now?.BootSourceOverrideMode === mode))
      return { isKept: now?.BootSourceOverrideEnabled === "Continuous" };
    if (clock.now() >= end || signal.aborted) return refusal ?? notTaken(client, now);
    await pause(clock, { delayMs: timing.pollMs, signal });
  }
}

/** Some controllers take every override for `Continuous` (sushy-tools' emulator). */
const isOverridden = (boot: Boot | undefined) =>
  boot?.BootSourceOverrideTarget === once.BootSourceOverrideTarget &&
  [once.BootSourceOverrideEnabled, "Continuous"].includes(boot.BootSourceOverrideEnabled ?? "");

const notTaken = ({ host }: RedfishClient, boot: Boot | undefined) =>
  new PowerError("rejected", `${host} accepted the request, but its next boot is still ${describe(boot)}`);

const describe = (boot: Boot | undefined) =>
  [boot?.BootSourceOverrideTarget, boot?.BootSourceOverrideEnabled, boot?.BootSourceOverrideMode]
    .map((value) => value ?? "unset")
    .join(", ");
