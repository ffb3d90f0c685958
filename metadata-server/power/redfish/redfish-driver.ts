import { type Clock, systemClock } from "../../clusters/clock.ts";
import type { BeforeBoot, PowerDriver, PowerOutcome } from "../power-driver.ts";
import { PowerError } from "../power-error.ts";
import { overrideNextBoot } from "./boot-override.ts";
import { createRedfishClient } from "./client.ts";
import { findSystem, readSystem } from "./computer-system.ts";
import { openRedfishConnection } from "./connection.ts";
import { canSwitch, reachPowerState, restart } from "./reset.ts";
import { createSession, noSession, type RedfishCredentials } from "./session.ts";
import { defaultTiming, type PowerTiming } from "./timing.ts";
import type { CertificateTrust } from "./trusted-socket.ts";

export interface RedfishDriverOptions {
  /** Of a ComputerSystem, such as https://bmc/redfish/v1/Systems/1; without a path, of a controller with only one. */
  url: URL;
  credentials?: RedfishCredentials | undefined;
  trust: CertificateTrust;
  timing?: Partial<PowerTiming>;
  clock?: Clock;
  chance?: () => number;
}

const logOutMs = 5000;

/**
 * DMTF's Redfish (DSP0266), the parts that every controller has: sessions, `ComputerSystem.Reset`, `PowerState`, and the
 * one-time boot override. The wire is a few requests with JSON, so that Node's own HTTP is enough; what takes care is
 * what controllers make of the standard, and each such case is named where it is handled.
 */
export function createRedfishDriver(options: RedfishDriverOptions): PowerDriver {
  const { url, credentials, trust, clock = systemClock, chance = Math.random } = options;
  const timing = { ...defaultTiming, ...options.timing };
  const connection = openRedfishConnection(url, { trust });
  const session = credentials === undefined ? noSession : createSession(connection, credentials);
  const client = createRedfishClient({ connection, session, clock, chance, timing });
  let path: string | undefined;

  /** One action, under one deadline. */
  async function act<T>(
    what: string,
    signal: AbortSignal,
    work: (system: { path: string; signal: AbortSignal }) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const deadline = AbortSignal.timeout(timing.actionTimeoutMs);
    const limited = AbortSignal.any([signal, deadline]);
    try {
      path ??= await findSystem(client, { url, signal: limited });
      return await work({ path, signal: limited });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof PowerError)) throw error;
      const within = deadline.aborted ? ` within ${timing.actionTimeoutMs / 1000} s` : "";
      throw new PowerError(error.code, `Cannot ${what}${within}: ${error.message}`, { cause: error });
    }
  }

  /** Prepared while it is off: controllers lose or use up what is set for the next boot while a machine runs. */
  async function boot(
    system: { path: string; signal: AbortSignal },
    { prepare, beforeSwitch }: { prepare?: () => Promise<void>; beforeSwitch: BeforeBoot | undefined },
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
        await boot(system, { prepare: () => overrideNextBoot(client, system), beforeSwitch });
        return done("Boots over the network");
      }),
    async close() {
      // A session that stays open ends by itself.
      await session.close(AbortSignal.timeout(logOutMs)).catch(() => undefined);
      connection.close();
    },
  };
}
