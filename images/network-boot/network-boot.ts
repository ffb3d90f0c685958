import { copyFile, mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { networkBootFiles } from "#lib/image-folder.ts";
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
import type { ImageManifest } from "../manifest.ts";

interface NetworkBootOptions {
  cacheDir: string;
  templatesDir: string;
  /** The image's release; the kernel must be of the same. */
  debianRelease: DebianRelease;
  /** `defaultKernelPackage` by default. */
  kernelPackage?: string | undefined;
  refreshPackages?: boolean;
  signal: AbortSignal;
  onDetail: (detail: string) => void;
}

/** Images that no worker runs; they would only fill its memory. */
const controlPlaneImages = /(^|\/)(etcd|kube-apiserver|kube-controller-manager|kube-scheduler)[:@]/;
/**
 * Units that only serve disks: with a root in memory /tmp is in memory anyway, and a saved random seed is lost. Saves
 * half a second (emulated).
 */
const unitsOfDisks = ["systemd-random-seed.service", "tmp.mount"].map((name) => `usr/lib/systemd/system/${name}`);

type Inputs = Pick<BakedImage, "dir" | "rootfs" | "containerdStore" | "networkBoot" | "manifest">;

/**
 * Makes kernel, initrd and root images of an image, all or none, and returns their description for the manifest, which
 * the caller writes. The image may be in use.
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
    // This one is fetched and hashed at every boot, the other one once.
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
