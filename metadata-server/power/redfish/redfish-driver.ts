import type { LookupFunction } from "node:net";
import { type Clock, systemClock } from "#lib/clock.ts";
import type { BeforeBoot, PowerDriver, PowerOutcome } from "../power-driver.ts";
import { PowerError } from "../power-error.ts";
import { overrideNextBoot } from "./boot-override.ts";
import { createRedfishClient } from "./client.ts";
import { findSystem, readSystem } from "./computer-system.ts";
import { openRedfishConnection } from "./connection.ts";
import { maskAndShorten } from "./mask-secrets.ts";
import { canSwitch, reachPowerState, restart } from "./reset.ts";
import { createSafeLookup } from "./safe-lookup.ts";
import { createSession, noSession, type RedfishCredentials } from "./session.ts";
import { defaultTiming, type PowerTiming } from "./timing.ts";
import type { CertificateTrust } from "./trusted-socket.ts";

export interface RedfishDriverOptions {
  /** URL of a ComputerSystem, such as https://bmc/redfish/v1/Systems/1. A controller with one system needs no path. */
  url: URL;
  credentials?: RedfishCredentials | undefined;
  /** Whether the controller has refused these credentials before. Then they are not sent. */
  wereRefused?: boolean;
  /** Called when the controller refuses the credentials, so that no later action sends them. */
  rememberRefusal?: () => Promise<void>;
  trust: CertificateTrust;
  /** Resolves names; the host's resolver by default. */
  lookup?: LookupFunction;
  timing?: Partial<PowerTiming>;
  clock?: Clock;
  chance?: () => number;
}

const logOutMs = 5000;
/** Characters of a reason; a timeline entry has 1000. */
const maxReason = 900;
const keptForEveryBoot = "now and at every boot from now on, because its controller knows no override for one boot";

/**
 * Drives DMTF's Redfish (DSP0266) with the parts that every controller has: sessions, `ComputerSystem.Reset`,
 * `PowerState` and the one-time boot override. These are a few requests with JSON, so Node's HTTP client is enough.
 * Controllers deviate from the standard; a comment names each such case in the code that handles it.
 */
export function createRedfishDriver(options: RedfishDriverOptions): PowerDriver {
  const { url, credentials, trust, clock = systemClock, chance = Math.random } = options;
  const timing = { ...defaultTiming, ...options.timing };
  const connection = openRedfishConnection(url, { trust, lookup: createSafeLookup(options.lookup) });
  const { requestTimeoutMs } = timing;
  const session =
    credentials === undefined
      ? noSession
      : createSession(connection, { credentials, loginTimeoutMs: 2 * requestTimeoutMs });
  const client = createRedfishClient({ connection, session, clock, chance, timing });
  let path: string | undefined;

  /** Runs one action under one deadline. */
  async function act<T>(
    what: string,
    signal: AbortSignal,
    work: (system: { path: string; signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    if (options.wereRefused || session.isRefused())
      throw new PowerError(
        "forbidden",
        `Cannot ${what}: ${connection.host} refused this user and password before, so nothing was sent; set them again`,
      );
    const deadline = AbortSignal.timeout(timing.actionTimeoutMs);
    const limited = AbortSignal.any([signal, deadline]);
    try {
      path ??= await findSystem(client, { url, signal: limited });
      return await work({ path, signal: limited });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PowerError)) throw error;
      if (session.isRefused()) await options.rememberRefusal?.();
      const within = deadline.aborted ? ` within ${timing.actionTimeoutMs / 1000} s` : "";
      const why = maskAndShorten(error.message, { secrets: session.secrets(), most: maxReason });
      throw new PowerError(error.code, `Cannot ${what}${within}: ${why}`, { cause: error.cause });
    }
  }

  /**
   * Prepares the boot while the machine is off: controllers may lose or use up a boot override while a machine runs.
   */
  async function boot(
    system: { path: string; signal: AbortSignal },
    { prepare, beforeSwitch }: { prepare?: () => Promise<unknown>; beforeSwitch: BeforeBoot | undefined },
  ): Promise<void> {
    const mayBeOff = await canSwitch(client, system);
    if (mayBeOff) await reachPowerState(client, "Off", system);
    await prepare?.();
    const { powerState } = await readSystem(client, system);
    if (mayBeOff || powerState === "Off") await reachPowerState(client, "On", { ...system, beforeSwitch });
    else await restart(client, { ...system, beforeSwitch });
  }

  const done = (detail: string): PowerOutcome => ({ kind: "done", detail: `${detail}, says ${connection.host}` });

  return {
    state: (signal) =>
      act("read the power state", signal, async (system) => {
        const { powerState } = await readSystem(client, system);
        if (powerState === "On") return "on";
        return powerState === "Off" ? "off" : "unknown";
      }),
    on: (signal, beforeSwitch) =>
      act("switch on", signal, async (system) => {
        await reachPowerState(client, "On", { ...system, beforeSwitch });
        return done("Is on");
      }),
    off: (signal) =>
      act("switch off", signal, async (system) => {
        await reachPowerState(client, "Off", system);
        return done("Is off");
      }),
    cycle: (signal, beforeSwitch) =>
      act("switch off and on", signal, async (system) => {
        await boot(system, { beforeSwitch });
        return done("Was switched off and on");
      }),
    bootFromNetwork: (signal, beforeSwitch) =>
      act("boot over the network", signal, async (system) => {
        let isKept = false;
        const prepare = async () => ({ isKept } = await overrideNextBoot(client, system));
        await boot(system, { prepare, beforeSwitch });
        return done(`Boots over the network${isKept ? `, ${keptForEveryBoot}` : ""}`);
      }),
    async close() {
      await session.close(AbortSignal.timeout(logOutMs));
      connection.close();
    },
  };
}
