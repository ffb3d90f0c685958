import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { ensureHostPackages } from "../debian/host-packages.ts";
import { defaultKernelPackage, networkBootHostPackages } from "../debian/packages.ts";
import type { DebianRelease } from "../debian/sources.ts";
import { checksumFile } from "../kubernetes/binaries.ts";
import { createWorkFolder } from "../work-folder.ts";
import { writeDiskBoot } from "./disk-boot.ts";
import { writeInitrd } from "./initrd.ts";
import { ensureKernelPackage } from "./kernel-package.ts";
import { writeRootImage } from "./root-image.ts";
import type { BakedImage } from "../baked-image.ts";
import { networkBootFiles, type ImageManifest } from "../manifest.ts";

export interface NetworkBootOptions {
  cacheDir: string;
  templatesDir: string;
  /** Of the image: its kernel is to be of the same. */
  debianRelease: DebianRelease;
  /** By default `defaultKernelPackage`. */
  kernelPackage?: string | undefined;
  refreshPackages?: boolean;
  signal: AbortSignal;
  onDetail: (detail: string) => void;
}

/** No worker runs these, and they would be in its memory. */
const controlPlaneImages = /(^|\/)(etcd|kube-apiserver|kube-controller-manager|kube-scheduler)[:@]/;
/** Of a root in memory /tmp is in memory, too, and a seed of random numbers that was kept there is gone: half a second, emulated. */
const unitsOfDisks = ["systemd-random-seed.service", "tmp.mount"].map((name) => `usr/lib/systemd/system/${name}`);

type Inputs = Pick<BakedImage, "dir" | "rootfs" | "containerdStore" | "networkBoot" | "manifest">;

/**
 * Makes kernel, initrd and root images of an image, whole or not at all, and says what they are. The image may be in use;
 * its manifest is the caller's to write.
 */
export async function writeNetworkBoot(
  image: Inputs,
  options: NetworkBootOptions,
): Promise<NonNullable<ImageManifest["networkBoot"]>> {
  const { signal, templatesDir, onDetail } = options;
  const { architecture, containerImages } = image.manifest;
  onDetail("kernel");
  await ensureHostPackages(networkBootHostPackages(architecture), { signal });
  const { cacheDir, debianRelease: release, refreshPackages: refresh = false } = options;
  const { kernelPackage = defaultKernelPackage(architecture) } = options;
  const kernel = await ensureKernelPackage({ cacheDir, release, architecture, kernelPackage, refresh }, { signal });
  await using work = await createWorkFolder(image.dir);
  const files = join(work.path, "files");
  await mkdir(files);
  const shared = { kernel, templatesDir, signal };
  await copyFile(kernel.vmlinuz, join(files, "vmlinuz"));
  onDetail("initrd");
  await writeInitrd(join(files, "initrd"), { ...shared, scratchDir: join(work.path, "initrd") });
  const roots = { ...shared, rootfs: image.rootfs, store: image.containerdStore };
  onDetail("root in memory");
  await writeRootImage(join(files, "root.squashfs"), {
    ...roots,
    unwantedImages: containerImages.map(({ ref }) => ref).filter((ref) => controlPlaneImages.test(ref)),
    unwantedFiles: [...unitsOfDisks, "usr/bin/kubectl"],
    // It is fetched and hashed at every boot; the other once.
    packing: "small",
    scratchDir: join(work.path, "root"),
  });
  onDetail("root on a disk");
  const diskBoot = { ...shared, architecture, initrd: join(files, "initrd"), scratchDir: join(work.path, "disk-boot") };
  await writeRootImage(join(files, "disk.squashfs"), {
    ...roots,
    unwantedImages: [],
    unwantedFiles: [],
    packing: "quick",
    scratchDir: join(work.path, "disk"),
    extend: (layer) => writeDiskBoot(join(layer, "usr/lib/sprout/disk"), diskBoot),
  });
  const described = await Promise.all(
    networkBootFiles.map(async (name) => ({ name, ...(await checksumFile(join(files, name))) })),
  );
  await rm(image.networkBoot, { recursive: true, force: true });
  await rename(files, image.networkBoot);
  return { kernelPackage, kernelVersion: kernel.kernelVersion, packages: kernel.packages, files: described };
}
