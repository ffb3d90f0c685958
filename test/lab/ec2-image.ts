import { copyFile, mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureCloudInitImage } from "./cloud-init-image.ts";

/**
 * The baked image with the parts of Debian's AMI: cloud-init, which finds EC2 and configures the network, and an SSH server.
 */
export const ensureEc2CloudInitImage = ({ signal }: { signal: AbortSignal }): Promise<string> =>
  ensureCloudInitImage({
    name: "ec2",
    packages: ["cloud-init", "openssh-server"],
    inputs: [import.meta.filename, firstProgram],
    finish: becomeAmi,
    signal,
  });

const firstProgram = join(import.meta.dirname, "ec2-init.sh");

/**
 * Settings of Debian's AMIs (https://salsa.debian.org/cloud-team/debian-cloud-images), except the locale. One line each: the
 * shell script that detects the data source at boot reads no other YAML.
 */
const cloudInitSettings = {
  "01_debian_cloud.cfg": "manage_etc_hosts: true\nlocale: C.UTF-8\n",
  "90_dpkg.cfg": "datasource_list: [ Ec2 ]\n",
};

const wants: readonly [target: string, unit: string][] = [
  ["multi-user.target", "systemd-networkd.service"],
  ["network-online.target", "systemd-networkd-wait-online.service"],
];

async function becomeAmi(rootfs: string): Promise<void> {
  await writeFile(join(rootfs, "etc/sprout/data-source"), "ec2\n");
  for (const [name, settings] of Object.entries(cloudInitSettings))
    await writeFile(join(rootfs, "etc/cloud/cloud.cfg.d", name), settings);
  for (const [target, unit] of wants) {
    const link = join(rootfs, "etc/systemd/system", `${target}.wants`, unit);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join("/lib/systemd/system", unit), link);
  }
  const init = join(rootfs, "usr/lib/sprout/nspawn-init");
  await rename(init, `${init}.baked`);
  await copyFile(firstProgram, init);
}
