import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { renderNodeFile, writeLink, writeNodeFile } from "../node-files.ts";

const units = "/etc/systemd/system";

const templates = [
  { template: "ec2/cloud-init.cfg", path: "/etc/cloud/cloud.cfg.d/95_sprout.cfg" },
  { template: "ec2/sprout-read-ahead.service", path: `${units}/sprout-read-ahead.service` },
  { template: "modules-load/packet-filter.conf", path: "/etc/modules-load.d/packet-filter.conf" },
] as const;

/** What only an instance of EC2 has. `readAhead` are paths on it. */
export async function installAmiFiles(
  rootfs: string,
  { templatesDir, readAhead }: { templatesDir: string; readAhead: readonly string[] },
): Promise<void> {
  for (const { template, path } of templates)
    await writeNodeFile(rootfs, path, await renderNodeFile(template, templatesDir, {}));
  await writeNodeFile(rootfs, "/usr/share/sprout/read-ahead", `${readAhead.join("\n")}\n`);
  await writeNodeFile(rootfs, "/etc/sprout/data-source", "ec2\n");
  await writeLink(
    rootfs,
    `${units}/sysinit.target.wants/sprout-read-ahead.service`,
    `${units}/sprout-read-ahead.service`,
  );
  const cloudInit = await readFile(join(rootfs, "/lib/systemd/system/cloud-init.service"), "utf8");
  await writeNodeFile(rootfs, `${units}/cloud-init.service`, besideTheBoot(cloudInit));
  await useUplinkNameServers(rootfs);
}

/** Debian's own unit holds up everything that wants a network, the bootstrapper among it, until users and keys are made. */
export const besideTheBoot = (unit: string): string =>
  unit.replaceAll(/^Before=(network-online|sysinit)\.target\n/gm, "");

/** systemd-resolved answers at 127.0.0.53, where a pod finds itself; it also writes whom it asks. */
async function useUplinkNameServers(rootfs: string): Promise<void> {
  const target = await readlink(join(rootfs, "/etc/resolv.conf")).catch(() => "");
  if (target.endsWith("/systemd/resolve/stub-resolv.conf"))
    await writeLink(rootfs, "/etc/resolv.conf", "../run/systemd/resolve/resolv.conf");
}
