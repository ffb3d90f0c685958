import { join } from "node:path";
import { KubernetesVersion } from "#api/name.ts";
import { hostArchitecture } from "./architecture.ts";
import { loadImage, placeImage, toPaths, type BakedImage } from "./baked-image.ts";
import { bakeRoot, fingerprintOf, ownTemplatesDir, writeManifest, type BakeRootOptions } from "./bake-root.ts";
import { locateKubernetes } from "./kubernetes/origin.ts";
import { writeNetworkBoot } from "./network-boot/network-boot.ts";
import { runStep } from "./progress.ts";
import { chooseRuntimeOrigin } from "./runtime/ensure-runtime.ts";
import { locateRuntime, planRuntime } from "./runtime/runtime-origin.ts";
import { createWorkFolder } from "./work-folder.ts";
import { ensureDebianBase, unpackRootfs } from "./rootfs.ts";

export interface BakeOptions extends BakeRootOptions {
  imagesDir: string;
  /** Kernel, initrd and root image for machines that boot over the network, too. */
  networkBoot?: boolean;
  /** Debian's kernel for those; by default the one that the image has, or `defaultKernelPackage`. */
  kernelPackage?: string | undefined;
  /** Take the archives' latest Debian packages instead of the cached ones. */
  refreshPackages?: boolean;
}

/** The image that is there, where it is made of the same inputs (a fraction of a second); else a new one. */
export async function ensureImage(options: BakeOptions): Promise<BakedImage> {
  const image = await loadImage(options.imagesDir, options.kubernetesVersion).catch(() => null);
  if (image === null) return bakeImage(options);
  const isCurrent = image.manifest.fingerprint === (await currentFingerprint(options));
  if (!isCurrent) return bakeImage(options);
  const kernelPackage = image.manifest.networkBoot?.kernelPackage;
  const isThere = kernelPackage !== undefined && kernelPackage === (options.kernelPackage ?? kernelPackage);
  return options.networkBoot && !isThere ? addNetworkBoot(image, options) : image;
}

/** The kernel of an image that computers boot: a new image in its place is to have it too, they may be booting from it. */
export const findKernelPackage = (imagesDir: string, kubernetesVersion: string): Promise<string | undefined> =>
  loadImage(imagesDir, kubernetesVersion).then(
    ({ manifest }) => manifest.networkBoot?.kernelPackage,
    () => undefined,
  );

async function currentFingerprint(options: BakeOptions): Promise<string> {
  const {
    bootstrapper,
    origin,
    debianRelease,
    containerd,
    templatesDir = ownTemplatesDir,
    launchSecrets = {},
  } = options;
  const runtime = planRuntime(options.kubernetesVersion, containerd);
  const runtimeOrigin = await chooseRuntimeOrigin(runtime, origin, { ...options, architecture: hostArchitecture() });
  const programs = {
    kubernetesBinariesDir: locateKubernetes(origin, options),
    runtimeDir: locateRuntime(runtimeOrigin, { ...options, key: runtime.key }),
  };
  const debian = { release: debianRelease, containerd };
  return fingerprintOf({ bootstrapper, templatesDir, origin, runtime, launchSecrets, debian, ...programs }, options);
}

async function addNetworkBoot(image: BakedImage, options: BakeOptions): Promise<BakedImage> {
  const networkBoot = await runStep("network-boot", options.onProgress, (onDetail) =>
    writeNetworkBoot(image, { templatesDir: ownTemplatesDir, ...options, onDetail }),
  );
  const manifest = { ...image.manifest, networkBoot };
  await runStep("finish", options.onProgress, () => writeManifest(join(image.dir, "manifest.json"), manifest));
  return { ...image, manifest };
}

/** Bakes an image and puts it in place when it is complete. Nothing is changed by a bake that fails. */
export async function bakeImage(options: BakeOptions): Promise<BakedImage> {
  const { cacheDir, imagesDir, templatesDir = ownTemplatesDir, signal, onProgress } = options;
  const kubernetesVersion = KubernetesVersion.parse(options.kubernetesVersion);
  await using work = await createWorkFolder(imagesDir);
  const image = toPaths(join(work.path, "image"));
  const { manifest } = await bakeRoot(options, { ...image, scratchDir: work.path, kind: "bare" }, async () => {
    const wanted = { release: options.debianRelease, containerd: options.containerd };
    const base = await ensureDebianBase({ cacheDir, refresh: options.refreshPackages ?? false, ...wanted }, { signal });
    return { ...base, install: (rootfs) => unpackRootfs(base, rootfs, { signal }) };
  });
  if (options.networkBoot)
    manifest.networkBoot = await runStep("network-boot", onProgress, (onDetail) =>
      writeNetworkBoot({ ...image, manifest }, { ...options, templatesDir, onDetail }),
    );
  await runStep("finish", onProgress, async () => {
    await writeManifest(join(image.dir, "manifest.json"), manifest);
    await placeImage(image.dir, join(imagesDir, kubernetesVersion));
  });
  return loadImage(imagesDir, kubernetesVersion);
}
