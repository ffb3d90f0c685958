import { readFileSync } from "node:fs";
import { renderTemplate, type TemplateValues } from "../../templates/render.ts";

const folder = new URL("../../templates/ipxe/", import.meta.url);
const read = (name: string) => ({ file: `ipxe/${name}`, text: readFileSync(new URL(name, folder), "utf8") });
const templates = { disk: read("disk.ipxe"), image: read("image.ipxe"), wait: read("wait.ipxe") };

/** What every machine runs first; it has no placeholders. */
export const bootScript = read("boot.ipxe").text;

/** What a machine says of itself, as it may be shown. */
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

/** Kernel and initrd from this server, and what the initrd is to do. */
export interface ImageBoot {
  /** Shown first. */
  lines: string[];
  /** URL of the folder with kernel, initrd and root images. */
  assetsUrl: string;
  /** MAC of the interface that it boots from. */
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

/** UEFI tries the next boot option after an error only; after success it shows its menu and waits (UEFI 2.10, 3.1.1). */
export const renderDiskBoot = ({ name, cluster }: { name: string; cluster: string }): string =>
  render("disk", { name, cluster });

const render = (name: keyof typeof templates, values: TemplateValues) => renderTemplate(templates[name], values);

/**
 * iPXE expands `${…}` and cuts a line at `&&`, `||` and `;`, and has no way to quote them: whatever could be part of that
 * is replaced. What a machine's firmware says is not the server's to trust.
 */
export const toIpxeText = (text: string): string =>
  text.replaceAll(";", ",").replaceAll(/[^A-Za-z0-9 .,:/()=@+_-]/g, "?") || "none";
