/** Names and values of DMTF's published schema ComputerSystem.v1_20 (https://redfish.dmtf.org/schemas/v1/). */
export const resetTypeNames = [
  "On",
  "ForceOff",
  "GracefulShutdown",
  "GracefulRestart",
  "ForceRestart",
  "Nmi",
  "ForceOn",
  "PushPowerButton",
  "PowerCycle",
  "Suspend",
  "Pause",
  "Resume",
  "FullPowerCycle",
] as const;

/** What may be written below `Boot`, and the values where they are enumerated. */
export const writableBoot: Record<string, readonly string[] | "string" | "array"> = {
  BootSourceOverrideEnabled: ["Disabled", "Once", "Continuous"],
  BootSourceOverrideTarget: [
    "None",
    "Pxe",
    "Floppy",
    "Cd",
    "Usb",
    "Hdd",
    "BiosSetup",
    "Utilities",
    "Diags",
    "UefiShell",
    "UefiTarget",
    "SDCard",
    "UefiHttp",
    "RemoteDrive",
    "UefiBootNext",
    "Recovery",
  ],
  BootSourceOverrideMode: ["Legacy", "UEFI"],
  UefiTargetBootSourceOverride: "string",
  BootNext: "string",
  HttpBootUri: "string",
  BootOrder: "array",
};
