import { copyFile } from "node:fs/promises";
import { execa } from "execa";
import { createTap, deleteLink } from "./links.ts";

export interface QemuMachine {
  /** File with what the machine says on its serial port. */
  consoleFile: string;
  /** Takes its power away; nothing of it is left. */
  close(): Promise<void>;
  /** When it is off, however that came. */
  off: Promise<void>;
}

/** `bios`: the network card has iPXE in it. `uefi`: firmware with PXE alone, which gets iPXE by TFTP. */
export type Firmware = "bios" | "uefi";

export interface QemuMachineOptions {
  firmware?: Firmware;
  mac: string;
  /** What the firmware says of the machine; nothing by default. */
  smbios?: { uuid: string; serial: string } | undefined;
  bridge: string;
  /** Of its link on the bridge. */
  tap: string;
  memoryMiB: number;
  /** One by default. */
  cpus?: number | undefined;
  /** A second card on the same bridge, and its link; none by default. */
  secondCard?: { mac: string; tap: string };
  /** A raw image; its own boot order is the network, then this. None by default. */
  disk?: string;
  consoleFile: string;
}

/** Of Debian's package ovmf. */
export const uefiFirmware = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const uefiVariables = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/** Powers on an emulated machine, whose firmware boots over the network first. */
export async function startQemuMachine(options: QemuMachineOptions): Promise<QemuMachine> {
  const { firmware = "bios", mac, smbios, bridge, tap, memoryMiB, cpus = 1, secondCard, disk, consoleFile } = options;
  await createTap(tap, bridge);
  const args = [
    ["-nodefaults", "-display", "none", "-monitor", "none"],
    ["-serial", `file:${consoleFile}`],
    // Firmware and iPXE on the serial port too.
    firmware === "bios" ? ["-M", "pc,graphics=off"] : await uefiArguments(consoleFile),
    smbios ? ["-uuid", smbios.uuid, "-smbios", `type=1,uuid=${smbios.uuid},serial=${smbios.serial}`] : [],
    // Without tb-size, the cache of translated code grows to 1 GB. Without random numbers of the processor, which real ones
    // have, the kernel gathers its own for a quarter of a second.
    ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "qemu64,+rdrand", "-smp", String(cpus), "-m", String(memoryMiB)],
    ["-boot", "strict=on"],
    ["-netdev", `tap,id=n0,ifname=${tap},script=no,downscript=no`],
    ["-device", `virtio-net-pci,netdev=n0,mac=${mac},bootindex=1${firmware === "uefi" ? ",romfile=" : ""}`],
    secondCard === undefined ? [] : await addCard(secondCard, bridge),
    disk === undefined ? [] : diskArguments(disk),
  ].flat();
  // With this process, however it ends.
  const qemu = execa("setpriv", ["--pdeathsig", "KILL", "qemu-system-x86_64", ...args], {
    stdin: "ignore",
    reject: false,
  });
  const taps = [tap, ...(secondCard ? [secondCard.tap] : [])];
  const off = qemu.then(() => Promise.all(taps.map(deleteLink))).then(() => undefined);
  return {
    consoleFile,
    async close() {
      qemu.kill("SIGKILL");
      await off;
    },
    off,
  };
}

async function addCard({ mac, tap }: { mac: string; tap: string }, bridge: string): Promise<string[]> {
  await createTap(tap, bridge);
  return [
    "-netdev",
    `tap,id=n1,ifname=${tap},script=no,downscript=no`,
    "-device",
    `virtio-net-pci,netdev=n1,mac=${mac},romfile=`,
  ];
}

/** What the machine discards takes no room on the host. */
const diskArguments = (file: string) => [
  "-drive",
  `if=none,id=d0,format=raw,discard=unmap,detect-zeroes=unmap,file=${file}`,
  "-device",
  "virtio-blk-pci,drive=d0,bootindex=2",
];

/** Variables of its own, beside the console's file. */
async function uefiArguments(consoleFile: string): Promise<string[]> {
  const variables = `${consoleFile}.variables`;
  await copyFile(uefiVariables, variables);
  const flash = "if=pflash,format=raw";
  return ["-M", "q35", "-drive", `${flash},readonly=on,file=${uefiFirmware}`, "-drive", `${flash},file=${variables}`];
}
