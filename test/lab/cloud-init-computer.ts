import { symlink } from "node:fs/promises";
import { join } from "node:path";
import type { BakedImage } from "../../images/baked-image.ts";
import type { MachineSpec } from "../../metadata-server/providers/provider.ts";
import { run } from "#lib/run.ts";
import { withoutBootstrapper } from "./cloud-init-image.ts";
import type { DataSource } from "./cloud-init-lab.ts";
import type { QemuProviderOptions } from "./qemu-provider.ts";

const script = join(import.meta.dirname, "squash-over.sh");

/** No worker runs it, and it would take up memory. */
const unwanted = ["usr/bin/kubectl"];

/** Kernel, initrd and root image, in `folder`, of a computer with cloud-init but without sprout-bootstrap. */
export async function writeCloudInitComputer(
  folder: string,
  { image, rootfs, signal }: { image: BakedImage; rootfs: string; signal: AbortSignal },
): Promise<QemuProviderOptions["image"]> {
  for (const name of ["vmlinuz", "initrd"]) await symlink(join(image.networkBoot, name), join(folder, name));
  const root = join(folder, "root.squashfs");
  const baked = join(image.networkBoot, "root.squashfs");
  const args = ["--mount", "--propagation", "private", "sh", script, baked, rootfs, root];
  await run("unshare", [...args, ...withoutBootstrapper, ...unwanted], { signal });
  return { networkBoot: folder };
}

/** SMBIOS of EC2 machines: UUID and serial are equal, and start with `ec2`. */
export const ec2Smbios = {
  uuid: "ec2e1916-9099-7caf-fd21-012345abcdef",
  serial: "ec2e1916-9099-7caf-fd21-012345abcdef",
};

/** The kernel command line's equivalent of cloud-init-init.sh in a container. */
export function toCommandLine({ seed }: MachineSpec): string {
  const { server, capability, dataSource } = seed as MachineSpec["seed"] & { dataSource: DataSource };
  if (dataSource === "nocloud") return `ds=nocloud;s=${server}/nocloud/${capability}/;dsmode=net`;
  return `ci.ds=Ec2 cc:datasource: {Ec2: {strict_id: false, metadata_urls: [${server}/ec2/${capability}]}} end_cc`;
}
