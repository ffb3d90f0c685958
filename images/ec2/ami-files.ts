import { readlink } from "node:fs/promises";
import { join } from "node:path";
import { createRender } from "../../templates/create-render.ts";
import { writeLink, writeNodeFile } from "../node-files.ts";

const units = "/etc/systemd/system";

const templates = [
  { template: "ec2/cloud-init.cfg", path: "/etc/cloud/cloud.cfg.d/96-sprout-ec2.cfg" },
  { template: "ec2/sprout-read-ahead.service", path: `${units}/sprout-read-ahead.service` },
  { template: "modules-load/packet-filter.conf", path: "/etc/modules-load.d/packet-filter.conf" },
] as const;

/** Writes the files that only an EC2 instance has. `readAhead` are paths on the instance. */
export async function installAmiFiles(
  rootfs: string,
  { templatesDir, readAhead }: { templatesDir: string; readAhead: readonly string[] },
): Promise<void> {
  const render = createRender(templatesDir);
  for (const { template, path } of templates) await writeNodeFile(rootfs, path, await render(template, {}));
  await writeNodeFile(rootfs, "/usr/share/sprout/read-ahead", `${readAhead.join("\n")}\n`);
  await writeNodeFile(rootfs, "/etc/sprout/data-source", "ec2\n");
  await writeLink(
    rootfs,
    `${units}/sysinit.target.wants/sprout-read-ahead.service`,
    `${units}/sprout-read-ahead.service`,
  );
  await useUplinkNameServers(rootfs);
}

/**
 * systemd-resolved answers at 127.0.0.53, which is the pod itself inside a pod. It also writes the list of its own
 * servers.
 */
async function useUplinkNameServers(rootfs: string): Promise<void> {
  const target = await readlink(join(rootfs, "/etc/resolv.conf")).catch(() => "");
  if (target.endsWith("/systemd/resolve/stub-resolv.conf"))
    await writeLink(rootfs, "/etc/resolv.conf", "../run/systemd/resolve/resolv.conf");
}
