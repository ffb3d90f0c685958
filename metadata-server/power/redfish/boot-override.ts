import { pause } from "../../clusters/clock.ts";
import { PowerError } from "../power-error.ts";
import type { RedfishClient } from "./client.ts";
import { type Boot, readBoot, readSystem } from "./computer-system.ts";

interface OfSystem {
  path: string;
  signal: AbortSignal;
}

const once = { BootSourceOverrideEnabled: "Once", BootSourceOverrideTarget: "Pxe" } as const;

/**
 * Sets PXE for the next boot, and reads back whether it is: some controllers answer 200 and change nothing. UEFI or legacy
 * stays as it is, so it is not sent at first (some have it read-only); it is sent, as it was, where that one failed (others
 * fall back to legacy without it).
 */
export async function overrideNextBoot(client: RedfishClient, { path: systemPath, signal }: OfSystem): Promise<void> {
  const system = await readSystem(client, { path: systemPath, signal });
  const settings = await readSettings(client, { path: system.settingsPath, signal });
  const [path, before] = settings ?? [systemPath, system.boot];
  const allowable =
    before?.["BootSourceOverrideTarget@Redfish.AllowableValues"] ??
    system.boot?.["BootSourceOverrideTarget@Redfish.AllowableValues"];
  if (allowable !== undefined && !allowable.includes(once.BootSourceOverrideTarget))
    throw new PowerError("unsupported", `${client.host} cannot boot Pxe once, only ${allowable.join(", ")}`);
  const mode = before?.BootSourceOverrideMode ?? undefined;
  const bodies = mode === undefined ? [once] : [once, { ...once, BootSourceOverrideMode: mode }];
  let failure: PowerError | undefined;
  for (const boot of bodies) {
    failure = await tryOverride(client, { path, boot, mode, signal });
    if (failure === undefined) return;
  }
  throw failure;
}

/** Some controllers keep what is to come apart from what is (DSP0266, "Settings resource"). */
async function readSettings(
  client: RedfishClient,
  { path, signal }: { path: string | undefined; signal: AbortSignal },
): Promise<[string, Boot] | undefined> {
  if (path === undefined) return undefined;
  const { boot } = await readBoot(client, { path, signal });
  return boot?.BootSourceOverrideTarget === undefined ? undefined : [path, boot];
}

interface Override {
  path: string;
  boot: Record<string, string>;
  /** As it was, and as it must still be. */
  mode: string | undefined;
  signal: AbortSignal;
}

async function tryOverride(client: RedfishClient, { path, boot, mode, signal }: Override) {
  const { clock, timing } = client;
  try {
    await patchCurrent(client, { path, body: { Boot: boot }, signal });
  } catch (error) {
    if (error instanceof PowerError && error.code === "rejected") return error;
    throw error;
  }
  const end = clock.now() + timing.settleMs;
  for (;;) {
    const { boot: now } = await readBoot(client, { path, signal });
    if (
      now?.BootSourceOverrideEnabled === once.BootSourceOverrideEnabled &&
      now.BootSourceOverrideTarget === once.BootSourceOverrideTarget &&
      (mode === undefined || now.BootSourceOverrideMode === mode)
    )
      return undefined;
    if (clock.now() >= end || signal.aborted)
      return new PowerError("rejected", `${client.host} took the request, but its next boot is still ${describe(now)}`);
    await pause(clock, { delayMs: timing.pollMs, signal });
  }
}

const describe = (boot: Boot | undefined) =>
  [boot?.BootSourceOverrideTarget, boot?.BootSourceOverrideEnabled, boot?.BootSourceOverrideMode]
    .map((value) => value ?? "unset")
    .join(", ");

/**
 * Some controllers insist on `If-Match` (428), some on another spelling of their own ETag than they gave (412), and a
 * resource may change between the two requests (412 as well).
 */
async function patchCurrent(
  client: RedfishClient,
  { path, body, signal }: { path: string; body: unknown; signal: AbortSignal },
): Promise<void> {
  const spellings: ((etag: string) => string)[] = [(etag) => etag, (etag) => etag.replace(/^W\//, ""), () => "*"];
  for (const [index, spell] of spellings.entries()) {
    const { etag } = await readBoot(client, { path, signal });
    const headers: Record<string, string> = etag === undefined ? {} : { "if-match": spell(etag) };
    const isLast = etag === undefined || index === spellings.length - 1;
    const accepts = isLast ? [] : [412, 428];
    const { status } = await client.call({ method: "PATCH", path, headers, body }, { signal, accepts });
    if (status < 300) return;
  }
}
