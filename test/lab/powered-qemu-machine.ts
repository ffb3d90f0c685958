import type { PoweredMachine } from "../fakes/fake-redfish-system.ts";
import { type QemuMachine, type QemuMachineOptions, startQemuMachine } from "./qemu-machine.ts";

export interface PoweredQemuMachine extends PoweredMachine {
  isOn(): boolean;
}

/**
 * An emulated machine attached to a (fake) controller, off until it is switched on. Its boot order starts with the
 * network, so a controller's override makes no difference.
 */
export function createPoweredQemuMachine(options: QemuMachineOptions): PoweredQemuMachine {
  let running: QemuMachine | undefined;
  let onSelfOff: (() => void) | undefined;
  const watch = async (machine: QemuMachine) => {
    await machine.off;
    if (running !== machine) return;
    running = undefined;
    onSelfOff?.();
  };
  return {
    isOn: () => running !== undefined,
    onSelfOff(listener) {
      onSelfOff = listener;
    },
    async powerOn() {
      const machine = await startQemuMachine(options);
      running = machine;
      void watch(machine);
    },
    async powerOff() {
      const machine = running;
      running = undefined;
      await machine?.close();
    },
  };
}
