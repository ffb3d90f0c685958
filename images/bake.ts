import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { KubernetesVersion } from "#api/name.ts";
import { hostArchitecture } from "./architecture.ts";
import { loadImage, placeImage, toPaths, type BakedImage } from "./baked-image.ts";
import { importIntoStore, type StoredArchive } from "./containerd-store.ts";
import { listImageRefs } from "./container-images.ts";
import { collectContainerImages } from "./collect-container-images.ts";
import { parseCodename } from "./debian/sources.ts";
import { checksumTree, imageFingerprint, isTemplate } from "./fingerprint.ts";
import { checksumBinaries, checksumFile } from "./kubernetes/binaries.ts";
import { ensureKubernetes, programsOf } from "./kubernetes/ensure.ts";
import { locateKubernetes, toKubernetesOrigin, type KubernetesOrigin } from "./kubernetes/origin.ts";
import { prepareTransfer } from "./prepare-transfer.ts";
import { checkContainerd } from "./containerd-version.ts";
import { hashLaunchSecrets, installLaunchSecrets, type LaunchSecrets, listLaunchSecrets } from "./launch-secrets.ts";
import { mayDiffer, type ImageManifest } from "./manifest.ts";
import { writeNetworkBoot } from "./network-boot/network-boot.ts";
import { installNodeFiles } from "./node-files.ts";
import { runStep, type OnBakeProgress } from "./progress.ts";
import { createWorkFolder } from "./work-folder.ts";
import { ensureDebianBase, unpackRootfs, type DebianBase } from "./rootfs.ts";

export interface BakeOptions {
  kubernetesVersion: string;
  /** What is fetched or built once. */
  cacheDir: string;
  imagesDir: string;
  /** By default Debian's source where it is of this version, else the official release. */
  origin?: KubernetesOrigin;
  /** PEM file of the authorities that this host trusts. */
  hostAuthorities?: string;
  /** The bootstrapper's executable. */
  bootstrapper: string;
  templatesDir?: string;
  /** Kernel, initrd and root image for machines that boot over the network, too. */
  networkBoot?: boolean;
  /** Debian's kernel for those; by default the one that the image has, or `defaultKernelPackage`. */
  kernelPackage?: string | undefined;
  /** None by default: every machine of the image has them. */
  launchSecrets?: LaunchSecrets;
  /** Take the archives' latest Debian packages instead of the cached ones. */
  refreshPackages?: boolean;
  signal: AbortSignal;
  onProgress: OnBakeProgress;
}

const codeDir = fileURLToPath(new URL(".", import.meta.url));
const ownTemplatesDir = fileURLToPath(new URL("../templates", import.meta.url));

interface Prepared {
  origin: KubernetesOrigin;
  bootstrapper: string;
  kubernetesBinariesDir: string;
  templatesDir: string;
  launchSecrets: LaunchSecrets;
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

function currentFingerprint(options: BakeOptions): Promise<string> {
  const { bootstrapper, templatesDir = ownTemplatesDir, launchSecrets = {} } = options;
  const { origin = toKubernetesOrigin(options) } = options;
  const kubernetesBinariesDir = locateKubernetes(origin, options);
  const prepared = { bootstrapper, templatesDir, origin, kubernetesBinariesDir, launchSecrets };
  return fingerprintOf(prepared, options);
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
  const { cacheDir, imagesDir, signal, onProgress } = options;
  const kubernetesVersion = KubernetesVersion.parse(options.kubernetesVersion);
  const architecture = hostArchitecture();
  const { origin = toKubernetesOrigin(options) } = options;
  await using work = await createWorkFolder(imagesDir);
  const { transfer, kubernetesBinariesDir } = await runStep("kubernetes", onProgress, async (onDetail) => {
    const shared = await prepareTransfer(origin, { ...options, folder: work.path });
    const source = { ...shared, cacheDir, kubernetesVersion, architecture, signal, onDetail };
    return { transfer: shared, kubernetesBinariesDir: await ensureKubernetes(origin, source) };
  });
  const { bootstrapper, templatesDir = ownTemplatesDir, launchSecrets = {} } = options;
  const prepared: Prepared = { origin, kubernetesBinariesDir, bootstrapper, templatesDir, launchSecrets };
  // Of the inputs as they are now: what changes during the bake is for the next one.
  const fingerprint = await fingerprintOf(prepared, { kubernetesVersion });
  const debian = await runStep("debian", onProgress, () =>
    ensureDebianBase({ cacheDir, refresh: options.refreshPackages ?? false }, { signal }),
  );
  checkContainerd(kubernetesVersion, debian.packages.rootfs);

  const image = toPaths(join(work.path, "image"));
  const archivesDir = join(work.path, "archives");
  await mkdir(archivesDir);
  await runStep("rootfs", onProgress, async () => {
    await unpackRootfs(debian, image.rootfs, { signal });
    const refs = await listImageRefs(prepared.kubernetesBinariesDir, { ...origin, kubernetesVersion, signal });
    const pauseImage = refs.get("pause") ?? "";
    await installNodeFiles(image.rootfs, { ...prepared, kubernetesVersion, pauseImage });
    await installLaunchSecrets(image.rootfs, launchSecrets);
  });
  const inputs = { ...prepared, ...transfer, ...debian, ...image, cacheDir, kubernetesVersion, architecture, signal };
  const archives = await runStep("container-images", onProgress, (onDetail) =>
    collectContainerImages({ ...inputs, archivesDir, onDetail }),
  );
  await runStep("containerd-store", onProgress, () =>
    importIntoStore({ rootfs: image.rootfs, store: image.containerdStore, archivesDir, archives }, { signal }),
  );
  const manifest = await describeImage({ ...inputs, fingerprint, debian, archives });
  await writeManifest(join(image.rootfs, "usr/share/sprout/manifest.json"), manifest);
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

/** Whole or not at all: an image may be read while network boot is added to it. */
async function writeManifest(file: string, manifest: ImageManifest): Promise<void> {
  await writeFile(`${file}.new`, `${JSON.stringify(manifest, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

const fingerprintOf = (prepared: Prepared, { kubernetesVersion }: { kubernetesVersion: string }) =>
  imageFingerprint({
    ...prepared,
    launchSecrets: hashLaunchSecrets(prepared.launchSecrets),
    kubernetesVersion,
    architecture: hostArchitecture().debian,
    codeDir,
  });

async function describeImage(
  inputs: Prepared &
    Pick<ImageManifest, "kubernetesVersion" | "fingerprint"> & {
      debian: DebianBase;
      archives: StoredArchive[];
      rootfs: string;
    },
): Promise<ImageManifest> {
  const { origin, kubernetesVersion, fingerprint, debian, archives, rootfs, templatesDir } = inputs;
  const launchSecrets = listLaunchSecrets(inputs.launchSecrets);
  const kubernetes = await checksumBinaries(inputs.kubernetesBinariesDir, programsOf(origin));
  const bootstrapper = { name: "sprout-bootstrap", ...(await checksumFile(inputs.bootstrapper)) };
  return {
    schemaVersion: 2,
    kubernetesVersion,
    origin: origin.kind === "release" ? { kind: origin.kind, releaseUrl: origin.releaseUrl } : { kind: origin.kind },
    ...(origin.kind === "release" && origin.imageRepository !== undefined
      ? { imageRepository: origin.imageRepository }
      : {}),
    architecture: hostArchitecture().debian,
    bakedAt: new Date().toISOString(),
    fingerprint,
    debian: { codename: parseCodename(await readFile(join(rootfs, "etc/os-release"), "utf8")), ...debian.packages },
    binaries: [...kubernetes, bootstrapper],
    containerImages: archives.map(({ ref, digest, sizeBytes }) => ({ ref, digest, sizeBytes })),
    clusterDns: archives.some(({ ref }) => /(^|\/)coredns[:@]/.test(ref)),
    ...(launchSecrets.length > 0 ? { launchSecrets } : {}),
    templates: await checksumTree(templatesDir, isTemplate),
    mayDiffer,
  };
}
