import { readFileSync } from "node:fs";
import { join } from "node:path";
import { templatesFolder } from "../../templates/folder.ts";
import { renderTemplate, type TemplateValues } from "../../templates/render.ts";

const read = (name: string) => ({
  file: `ipxe/${name}`,
  text: readFileSync(join(templatesFolder, "ipxe", name), "utf8"),
});
const templates = { disk: read("disk.ipxe"), image: read("image.ipxe"), wait: read("wait.ipxe") };

/** The script that every machine runs first; it has no placeholders. */
export const bootScript = read("boot.ipxe").text;

/** The identity that a machine claims, for its screen. */
export interface ShownMachine {
  mac: string;
  uuid: string | null;
  serial: string | null;
}

/** Shows the lines and asks again after `seconds`. */
export const renderWait = (machine: ShownMachine, { lines, seconds }: { lines: string[]; seconds: number }): string =>
  render("wait", {
    lines: lines.map((line) => ({ text: toIpxeText(line) })),
    mac: machine.mac,
    uuid: toIpxeText(machine.uuid ?? "none"),
    serial: toIpxeText(machine.serial ?? "none"),
    seconds,
  });

/** Boots kernel and initrd from this server, with a task for the initrd. */
export interface ImageBoot {
  /** Lines that the screen shows first. */
  lines: string[];
  /** URL of the folder with kernel, initrd and root images. */
  assetsUrl: string;
  /** MAC address of the interface that the machine boots from. */
  bootInterface: string;
  /** For the initrd and the bootstrapper, as `sprout.NAME=VALUE`; see `templates/network-boot/init`. */
  settings: Readonly<Record<string, string | number>>;
}

export const renderImageBoot = ({ lines, assetsUrl, bootInterface, settings }: ImageBoot): string =>
  render("image", {
    lines: lines.map((line) => ({ text: toIpxeText(line) })),
    assetsUrl,
    bootInterface: bootInterface.replaceAll(":", "-"),
    commandLine: Object.entries(settings)
      .map(([name, setting]) => `sprout.${name}=${setting}`)
      .join(" "),
  });

/** Boots from disk. On UEFI it exits with an error, after which alone UEFI tries the next option (UEFI 2.10, 3.1.1). */
export const renderDiskBoot = ({ name, cluster }: { name: string; cluster: string }): string =>
  render("disk", { name, cluster });

const render = (name: keyof typeof templates, values: TemplateValues) => renderTemplate(templates[name], values);

/**
 * Replaces every character that iPXE could interpret: iPXE expands `${…}`, splits lines at `&&`, `||` and `;`, and has
 * no quotes for them. Text from a machine's firmware is not trusted.
 */
export const toIpxeText = (text: string): string =>
  text.replaceAll(";", ",").replaceAll(/[^A-Za-z0-9 .,:/()=@+_-]/g, "?") || "none";
