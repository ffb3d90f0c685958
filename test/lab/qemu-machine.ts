import { execa } from "execa";
import { createTap, deleteTap } from "./tap.ts";

export interface QemuMachine {
  /** File with what the machine says on its serial port. */
  consoleFile: string;
  /** Takes its power away; nothing of it is left. */
  close(): Promise<void>;
}

export interface QemuMachineOptions {
  mac: string;
  bridge: string;
  /** Of its link on the bridge. */
  tap: string;
  memoryMiB: number;
  consoleFile: string;
}

/** Powers on an emulated machine without a disk, whose firmware boots over the network: QEMU's card has iPXE in it. */
export async function startQemuMachine(options: QemuMachineOptions): Promise<QemuMachine> {
  const { mac, bridge, tap, memoryMiB, consoleFile } = options;
  await createTap(tap, bridge);
  const args = [
    ["-nodefaults", "-display", "none", "-monitor", "none"],
    // Firmware and iPXE on the serial port too.
    ["-M", "pc,graphics=off", "-serial", `file:${consoleFile}`],
    // Without tb-size, the cache of translated code grows to 1 GB.
    ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "qemu64", "-smp", "1", "-m", String(memoryMiB)],
    ["-boot", "order=n,strict=on"],
    ["-netdev", `tap,id=n0,ifname=${tap},script=no,downscript=no`, "-device", `virtio-net-pci,netdev=n0,mac=${mac}`],
  ].flat();
  // With this process, however it ends.
  const qemu = execa("setpriv", ["--pdeathsig", "KILL", "qemu-system-x86_64", ...args], {
    stdin: "ignore",
    reject: false,
  });
  return {
    consoleFile,
    async close() {
      qemu.kill("SIGKILL");
      await qemu;
      await deleteTap(tap);
    },
  };
}
