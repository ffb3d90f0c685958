import { readlink } from "node:fs/promises";
import { join } from "node:path";
import { renderNodeFile, writeLink, writeNodeFile } from "../node-files.ts";

const units = "/etc/systemd/system";

const templates = [
  { template: "ec2/cloud-init.cfg", path: "/etc/cloud/cloud.cfg.d/96-sprout-ec2.cfg" },
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
  await useUplinkNameServers(rootfs);
}

/** systemd-resolved answers at 127.0.0.53, where a pod finds itself; it also writes whom it asks. */
async function useUplinkNameServers(rootfs: string): Promise<void> {
  const target = await readlink(join(rootfs, "/etc/resolv.conf")).catch(() => "");
  if (target.endsWith("/systemd/resolve/stub-resolv.conf"))
    await writeLink(rootfs, "/etc/resolv.conf", "../run/systemd/resolve/resolv.conf");
}
