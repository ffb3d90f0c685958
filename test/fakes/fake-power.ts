import type { PowerDriver } from "../../metadata-server/machines/power-driver.ts";

export interface FakePower extends PowerDriver {
  /** What was asked for, as `on 52:54:…`, in order. */
  calls: string[];
  /** MACs of machines that are on. */
  running: Set<string>;
  /** Called before each action; throws to inject a fault. */
  fault: (call: string) => void;
}

/** Switches nothing: machines are entries in a set. */
export function createFakePower(): FakePower {
  const act = async (call: string, apply: () => void, message: string) => {
    power.fault(call);
    power.calls.push(call);
    apply();
    return { isDone: true, message };
  };
  const power: FakePower = {
    calls: [],
    running: new Set(),
    fault: () => undefined,
    on: ({ provisioningMac: mac }) => act(`on ${mac}`, () => power.running.add(mac), "Switched on"),
    off: ({ provisioningMac: mac }) => act(`off ${mac}`, () => power.running.delete(mac), "Switched off"),
    oneTimeNetworkBoot: ({ provisioningMac: mac }) => act(`network ${mac}`, () => undefined, "Next boot: network"),
    state: async ({ provisioningMac: mac }) => (power.running.has(mac) ? "on" : "off"),
  };
  return power;
}
