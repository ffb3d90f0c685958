import { pause } from "#lib/clock.ts";
import type { BeforeBoot } from "../power-driver.ts";
import { PowerError } from "../power-error.ts";
import type { RedfishClient } from "./client.ts";
import { readResetTypes, readSystem, type SystemNow } from "./computer-system.ts";

interface OfSystem {
  path: string;
  signal: AbortSignal;
}

interface BootOptions extends OfSystem {
  /** Awaited before the system is switched the first time. Not called if it is in that state already. */
  beforeSwitch?: BeforeBoot | undefined;
}

/** Reset types by preference. `PushPowerButton` is left out: it turns off a system that is on. */
const resetTypes = { On: ["On", "ForceOn"], Off: ["ForceOff"] } as const;

/**
 * Asks for a power state and polls until the system has it. A refusal counts only if the state does not follow:
 * controllers refuse a state that the system already has while they still show the old one. Resolves at once if the
 * system has it.
 */
export async function reachPowerState(
  client: RedfishClient,
  wanted: "On" | "Off",
  { path, signal, beforeSwitch }: BootOptions,
): Promise<void> {
  const { clock, timing } = client;
  let asked: { at: number; refusal: PowerError | undefined } | undefined;
  let last: SystemNow | undefined;
  for (;;) {
    const system: SystemNow = await readSystem(client, { path, signal }).catch((error: unknown) => {
      throw signal.aborted && last !== undefined ? (asked?.refusal ?? lastSeen(client, last)) : error;
    });
    last = system;
    if (system.powerState === wanted) return;
    const since = asked === undefined ? Number.POSITIVE_INFINITY : clock.now() - asked.at;
    if (asked?.refusal !== undefined && since >= timing.settleMs) throw asked.refusal;
    if (since >= timing.repeatMs && !isOnItsWay(system)) {
      if (asked === undefined) await beforeSwitch?.();
      const refusal = await sendReset(client, { system, types: resetTypes[wanted], signal });
      asked = { at: clock.now(), refusal };
    }
    await pause(clock, { delayMs: timing.pollMs, signal });
    if (signal.aborted) throw asked?.refusal ?? lastSeen(client, system);
  }
}

/** Restarts a system that cannot be switched off and on: one action, not repeated if it may have been done. */
export async function restart(client: RedfishClient, { path, signal, beforeSwitch }: BootOptions): Promise<void> {
  const system = await readSystem(client, { path, signal });
  await beforeSwitch?.();
  const refusal = await sendReset(client, {
    system,
    types: ["ForceRestart", "PowerCycle"],
    signal,
    isRepeatable: false,
  });
  if (refusal !== undefined) throw refusal;
  await reachPowerState(client, "On", { path, signal });
}

export async function canSwitch(client: RedfishClient, { path, signal }: OfSystem): Promise<boolean> {
  const { reset } = await readSystem(client, { path, signal });
  const offered = await readResetTypes(client, { reset, signal });
  return (
    offered === undefined ||
    [resetTypes.On, resetTypes.Off].every((types) => types.some((one) => offered.includes(one)))
  );
}

interface Reset {
  system: SystemNow;
  /** By preference: the first one that the controller accepts is sent. */
  types: readonly string[];
  signal: AbortSignal;
  isRepeatable?: boolean;
}

/** Returns a refusal, because the state may still follow. Throws every other failure. */
async function sendReset(client: RedfishClient, { system, types, signal, isRepeatable = true }: Reset) {
  const offered = await readResetTypes(client, { reset: system.reset, signal });
  const type = offered === undefined ? types[0] : types.find((one) => offered.includes(one));
  if (type === undefined)
    throw new PowerError(
      "unsupported",
      `${client.host} accepts no ${types.join(" or ")}, only ${offered?.join(", ") || "nothing"}`,
    );
  try {
    const request = { method: "POST", path: system.reset.target, body: { ResetType: type } } as const;
    await client.call(request, { signal, isRepeatable });
    return undefined;
  } catch (error) {
    if (error instanceof PowerError && error.code === "rejected") return error;
    throw error;
  }
}

const isOnItsWay = ({ powerState }: SystemNow) => powerState?.startsWith("Powering") ?? false;

const lastSeen = ({ host }: RedfishClient, { powerState }: SystemNow) =>
  new PowerError(
    "unreachable",
    `${host} was asked, but its PowerState was ${powerState ?? "unknown"} when it last answered`,
  );
