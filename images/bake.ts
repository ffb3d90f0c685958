import { join } from "node:path";
import { KubernetesVersion } from "#api/name.ts";
import { hostArchitecture } from "#lib/architecture.ts";
import { imageFolder, imagePaths, type ImageReference } from "#lib/image-folder.ts";
import { loadImage, placeImage, type BakedImage } from "./baked-image.ts";
import { templatesFolder } from "../templates/folder.ts";
import { bakeRoot, fingerprintOf, writeManifest, type BakeRootOptions } from "./bake-root.ts";
import { locateKubernetes } from "./kubernetes/origin.ts";
import { writeNetworkBoot } from "./network-boot/network-boot.ts";
import { runStep } from "./progress.ts";
import { chooseRuntimeOrigin } from "./runtime/ensure-runtime.ts";
import { locateRuntime, planRuntime } from "./runtime/runtime-origin.ts";
import { createWorkFolder } from "./work-folder.ts";
import { ensureDebianBase, unpackRootfs } from "./rootfs.ts";

export interface BakeOptions extends BakeRootOptions {
  imagesDir: string;
  /** Of an image that is not the default one of its Kubernetes version. */
  name?: string | undefined;
  /** Whether to make kernel, initrd and root images, too, for machines that boot over the network. */
  networkBoot?: boolean;
  /** Debian's kernel for those machines; by default the image's present one, or `defaultKernelPackage`. */
  kernelPackage?: string | undefined;
  /** Whether to fetch the archives' latest Debian packages instead of using the cached ones. */
  refreshPackages?: boolean;
}

/** Returns the existing image if it was made of the same inputs (a fraction of a second), else bakes a new one. */
export async function ensureImage(options: BakeOptions): Promise<BakedImage> {
  const image = await loadImage(options.imagesDir, imageFolder(options)).catch(() => null);
  if (image === null) return bakeImage(options);
  const isCurrent = image.manifest.fingerprint === (await currentFingerprint(options));
  if (!isCurrent) return bakeImage(options);
  const kernelPackage = image.manifest.networkBoot?.kernelPackage;
  const isThere = kernelPackage !== undefined && kernelPackage === (options.kernelPackage ?? kernelPackage);
  return options.networkBoot && !isThere ? addNetworkBoot(image, options) : image;
}

/** Returns the kernel package of the existing image, so that a new image keeps what machines may be booting from. */
export const findKernelPackage = (imagesDir: string, image: ImageReference): Promise<string | undefined> =>
  loadImage(imagesDir, imageFolder(image)).then(
    ({ manifest }) => manifest.networkBoot?.kernelPackage,
    () => undefined,
  );

async function currentFingerprint(options: BakeOptions): Promise<string> {
  const {
    bootstrapper,
    origin,
    debianRelease,
    containerd,
    templatesDir = templatesFolder,
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
    writeNetworkBoot(image, { templatesDir: templatesFolder, ...options, onDetail }),
  );
  const manifest = { ...image.manifest, networkBoot };
  await runStep("finish", options.onProgress, () => writeManifest(imagePaths(image.dir).manifest, manifest));
  return { ...image, manifest };
}

/** Bakes an image and puts it in place once it is complete. A bake that fails changes nothing. */
export async function bakeImage(options: BakeOptions): Promise<BakedImage> {
  const { cacheDir, imagesDir, templatesDir = templatesFolder, signal, onProgress } = options;
  const folder = imageFolder({ ...options, kubernetesVersion: KubernetesVersion.parse(options.kubernetesVersion) });
  await using work = await createWorkFolder(imagesDir);
  const image = imagePaths(join(work.path, "image"));
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
    await writeManifest(image.manifest, manifest);
    await placeImage(image.dir, join(imagesDir, folder));
  });
  return await loadImage(imagesDir, folder);
}
