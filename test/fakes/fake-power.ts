import type { OpenPowerDriver } from "../../metadata-server/machines/open-power-driver.ts";
import { createManualDriver } from "../../metadata-server/power/manual-driver.ts";
import type { BeforeBoot, PowerOutcome } from "../../metadata-server/power/power-driver.ts";

export interface FakePower {
  /** The real driver for machines that are switched by hand. */
  open: OpenPowerDriver;
  /** The requested actions in order, such as `on 52:54:…`. */
  calls: string[];
  /** MACs of machines that are on. */
  running: Set<string>;
  /** Called before each action; throws to inject a fault. */
  fault: (call: string) => void;
}

/** A fake power driver: machines are entries in a set. */
export function createFakePower(): FakePower {
  const power: FakePower = {
    calls: [],
    running: new Set(),
    fault: () => undefined,
    open({ provisioningMac: mac, power: { driver } }) {
      if (driver === "manual") return createManualDriver();
      const act = async (call: string, detail: string, beforeBoot?: BeforeBoot): Promise<PowerOutcome> => {
        power.fault(`${call} ${mac}`);
        power.calls.push(`${call} ${mac}`);
        power.running.delete(mac);
        if (call === "off") return { kind: "done", detail };
        await beforeBoot?.();
        power.running.add(mac);
        return { kind: "done", detail };
      };
      return {
        state: async () => (power.running.has(mac) ? "on" : "off"),
        on: (_signal, beforeBoot) => act("on", "Is on", beforeBoot),
        off: () => act("off", "Is off"),
        cycle: (_signal, beforeBoot) => act("cycle", "Was switched off and on", beforeBoot),
        bootFromNetwork: (_signal, beforeBoot) => act("network-boot", "Boots over the network", beforeBoot),
        close: async () => undefined,
      };
    },
  };
  return power;
}
