import { copyFile } from "node:fs/promises";
import { execa } from "execa";
import { createTap, deleteLink } from "./links.ts";

export interface QemuMachine {
  /** File with the machine's serial output. */
  consoleFile: string;
  /** Powers it off; nothing is left. */
  close(): Promise<void>;
  /** Resolves when it is off, for any reason. */
  off: Promise<void>;
}

/** `bios`: the network card has iPXE in it. `uefi`: firmware with PXE alone, which gets iPXE by TFTP. */
export type Firmware = "bios" | "uefi";

export interface QemuMachineOptions {
  firmware?: Firmware;
  mac: string;
  /** SMBIOS values; none by default. */
  smbios?: { uuid: string; serial: string } | undefined;
  bridge: string;
  /** Name of its link on the bridge. */
  tap: string;
  memoryMiB: number;
  /** One by default. */
  cpus?: number | undefined;
  /** A second card on the same bridge, and its link; none by default. */
  secondCard?: { mac: string; tap: string };
  /** A raw disk image; the boot order is network, then disk. None by default. */
  disk?: string;
  consoleFile: string;
}

/** From Debian's package ovmf. */
export const uefiFirmware = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const uefiVariables = "/usr/share/OVMF/OVMF_VARS_4M.fd";

/** Powers on an emulated machine, whose firmware boots over the network first. */
export async function startQemuMachine(options: QemuMachineOptions): Promise<QemuMachine> {
  const { firmware = "bios", mac, smbios, bridge, tap, memoryMiB, cpus = 1, secondCard, disk, consoleFile } = options;
  await createTap(tap, bridge);
  const args = [
    ["-nodefaults", "-display", "none", "-monitor", "none"],
    ["-serial", `file:${consoleFile}`],
    // Firmware and iPXE print on the serial port, too.
    firmware === "bios" ? ["-M", "pc,graphics=off"] : await uefiArguments(consoleFile),
    smbios ? ["-uuid", smbios.uuid, "-smbios", `type=1,uuid=${smbios.uuid},serial=${smbios.serial}`] : [],
    // Without tb-size, the cache of translated code grows to 1 GB. Without random numbers of the processor, which real ones
    // have, the kernel gathers its own for a quarter of a second.
    [
      "-accel",
      "tcg,thread=multi,tb-size=1024",
      "-cpu",
      "qemu64,+rdrand",
      "-smp",
      String(cpus),
      "-m",
      String(memoryMiB),
    ],
    ["-boot", "strict=on"],
    ["-netdev", `tap,id=n0,ifname=${tap},script=no,downscript=no`],
    ["-device", `virtio-net-pci,netdev=n0,mac=${mac},bootindex=1${firmware === "uefi" ? ",romfile=" : ""}`],
    secondCard === undefined ? [] : await addCard(secondCard, bridge),
    disk === undefined ? [] : diskArguments(disk),
  ].flat();
  // Ends with this process in every case.
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

/** Blocks that the machine discards take no space on the host. */
const diskArguments = (file: string) => [
  "-drive",
  `if=none,id=d0,format=raw,discard=unmap,detect-zeroes=unmap,file=${file}`,
  "-device",
  "virtio-blk-pci,drive=d0,bootindex=2",
];

/** The machine's UEFI variables, next to the console's file. */
async function uefiArguments(consoleFile: string): Promise<string[]> {
  const variables = `${consoleFile}.variables`;
  await copyFile(uefiVariables, variables);
  const flash = "if=pflash,format=raw";
  return ["-M", "q35", "-drive", `${flash},readonly=on,file=${uefiFirmware}`, "-drive", `${flash},file=${variables}`];
}
