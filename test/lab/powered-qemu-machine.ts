import type { PoweredMachine } from "../fakes/fake-redfish-system.ts";
import { type QemuMachine, type QemuMachineOptions, startQemuMachine } from "./qemu-machine.ts";

export interface PoweredQemuMachine extends PoweredMachine {
  isOn(): boolean;
}

/**
 * An emulated machine that hangs on a (fake) controller: off until it is switched on. It boots over the network first
 * either way; without a disk there is nothing else to boot.
 */
export function createPoweredQemuMachine(options: QemuMachineOptions): PoweredQemuMachine {
  let running: QemuMachine | undefined;
  return {
    isOn: () => running !== undefined,
    async powerOn({ overNetwork }) {
      if (!overNetwork && options.disk === undefined) throw new Error("The emulated machine has no disk to boot from");
      running = await startQemuMachine(options);
    },
    async powerOff() {
      const machine = running;
      running = undefined;
      await machine?.close();
    },
  };
}
