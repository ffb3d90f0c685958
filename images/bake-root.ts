import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { KubernetesVersion } from "#api/name.ts";
import { hostArchitecture } from "#lib/architecture.ts";
import { replaceFile } from "#lib/replace-file.ts";
import { isTemplate, templatesFolder } from "../templates/folder.ts";
import { importIntoStore, type StoredArchive } from "./containerd-store.ts";
import { listImageRefs } from "./container-images.ts";
import { collectContainerImages } from "./collect-container-images.ts";
import { parseCodename, type DebianRelease } from "./debian/sources.ts";
import { checksumTree, imageFingerprint } from "./fingerprint.ts";
import { checksumBinaries, checksumFile } from "./kubernetes/binaries.ts";
import { ensureKubernetes, programsOf } from "./kubernetes/ensure.ts";
import type { KubernetesOrigin } from "./kubernetes/origin.ts";
import { hashLaunchSecrets, installLaunchSecrets, type LaunchSecrets, listLaunchSecrets } from "./launch-secrets.ts";
import { mayDiffer, type ImageManifest } from "./manifest.ts";
import type { RootKind } from "./masked-units.ts";
import { installNodeFiles } from "./node-files.ts";
import { prepareTransfer } from "./prepare-transfer.ts";
import { runStep, type OnBakeProgress } from "./progress.ts";
import type { DebianPackages } from "./rootfs.ts";
import { ensureRuntime } from "./runtime/ensure-runtime.ts";
import { planRuntime, type ContainerdFlavour, type RuntimePlan } from "./runtime/runtime-origin.ts";

export interface BakeRootOptions {
  kubernetesVersion: string;
  /** Folder for everything that is fetched or built once. */
  cacheDir: string;
  origin: KubernetesOrigin;
  debianRelease: DebianRelease;
  containerd: ContainerdFlavour;
  /** The environment's `GO`: the Go program that compiles modules. */
  go?: string | undefined;
  /** PEM file of the authorities that this host trusts. */
  hostAuthorities?: string;
  /** The bootstrapper's executable. */
  bootstrapper: string;
  templatesDir?: string;
  /** None by default, because every machine of the image has them. */
  launchSecrets?: LaunchSecrets;
  signal: AbortSignal;
  onProgress: OnBakeProgress;
}

interface RootPlace {
  rootfs: string;
  /** Contents of /var/lib/containerd. */
  containerdStore: string;
  scratchDir: string;
  kind: RootKind;
}

/** Debian's part of a root. */
interface DebianPart {
  /** Unpacked tree of the packages that are only used in container images. */
  containerPackagesDir: string;
  packages: DebianPackages;
  /** Turns `rootfs` into a Debian root. */
  install(rootfs: string): Promise<void>;
}

interface BakedRoot {
  manifest: ImageManifest;
  archives: StoredArchive[];
}

interface Prepared {
  origin: KubernetesOrigin;
  bootstrapper: string;
  kubernetesBinariesDir: string;
  runtimeDir: string;
  runtime: RuntimePlan;
  templatesDir: string;
  launchSecrets: LaunchSecrets;
  debian: { release: DebianRelease; containerd: ContainerdFlavour };
}

const codeDir = import.meta.dirname;

/** Path of an image's manifest below its root. */
export const manifestFile = "usr/share/sprout/manifest.json";

/** Bakes what every kind of image has: a Debian root with everything a node needs, container images and a manifest. */
export async function bakeRoot(
  options: BakeRootOptions,
  place: RootPlace,
  ensureDebian: () => Promise<DebianPart>,
): Promise<BakedRoot> {
  const { cacheDir, signal, onProgress } = options;
  const kubernetesVersion = KubernetesVersion.parse(options.kubernetesVersion);
  const architecture = hostArchitecture();
  const { origin, debianRelease, containerd, go } = options;
  const runtime = planRuntime(kubernetesVersion, containerd);
  const { transfer, ...programs } = await runStep("kubernetes", onProgress, async (onDetail) => {
    const shared = await prepareTransfer(origin, { ...options, folder: place.scratchDir });
    const source = { ...shared, cacheDir, kubernetesVersion, architecture, go, signal, onDetail };
    const kubernetesBinariesDir = await ensureKubernetes(origin, source);
    return { transfer: shared, kubernetesBinariesDir, runtimeDir: await ensureRuntime(runtime, origin, source) };
  });
  const { kubernetesBinariesDir } = programs;
  const { bootstrapper, templatesDir = templatesFolder, launchSecrets = {} } = options;
  const choice = { release: debianRelease, containerd };
  const prepared: Prepared = {
    origin,
    ...programs,
    runtime,
    bootstrapper,
    templatesDir,
    launchSecrets,
    debian: choice,
  };
  // Taken before the work: an input that changes during the bake makes the next bake start.
  const fingerprint = await fingerprintOf(prepared, { kubernetesVersion });
  const debian = await runStep("debian", onProgress, ensureDebian);

  const { rootfs, containerdStore: store, kind } = place;
  const archivesDir = join(place.scratchDir, "archives");
  await mkdir(archivesDir);
  await runStep("rootfs", onProgress, async () => {
    await debian.install(rootfs);
    const refs = await listImageRefs(kubernetesBinariesDir, { ...origin, kubernetesVersion, signal });
    const pauseImage = refs.get("pause") ?? "";
    await installNodeFiles(rootfs, { ...prepared, pauseImage, kind });
    await installLaunchSecrets(rootfs, launchSecrets);
  });
  const inputs = { ...prepared, ...transfer, ...debian, rootfs, cacheDir, kubernetesVersion, architecture, signal };
  const archives = await runStep("container-images", onProgress, (onDetail) =>
    collectContainerImages({ ...inputs, archivesDir, onDetail }),
  );
  await runStep("containerd-store", onProgress, () =>
    importIntoStore({ rootfs, store, archivesDir, archives }, { signal }),
  );
  const manifest = await describeImage({ ...inputs, fingerprint, installed: debian.packages, archives });
  await writeManifest(join(rootfs, manifestFile), manifest);
  return { manifest, archives };
}

/** Writes the manifest by rename: an image may be read while network boot is added to it. */
export const writeManifest = (file: string, manifest: ImageManifest): Promise<void> =>
  replaceFile(file, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o644 });

export const fingerprintOf = (prepared: Prepared, { kubernetesVersion }: { kubernetesVersion: string }) =>
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
      installed: DebianPackages;
      archives: StoredArchive[];
      rootfs: string;
    },
): Promise<ImageManifest> {
  const { origin, kubernetesVersion, fingerprint, debian, installed, archives, rootfs, templatesDir, runtime } = inputs;
  const launchSecrets = listLaunchSecrets(inputs.launchSecrets);
  const kubernetes = await checksumBinaries(inputs.kubernetesBinariesDir, programsOf(origin));
  const runtimePrograms = await checksumBinaries(inputs.runtimeDir, runtime.programs);
  const packaged = installed.rootfs.find(({ name }) => name === "containerd")?.version;
  const bootstrapper = { name: "sprout-bootstrap", ...(await checksumFile(inputs.bootstrapper)) };
  return {
    schemaVersion: 3,
    kubernetesVersion,
    origin: origin.kind === "release" ? { kind: origin.kind, releaseUrl: origin.releaseUrl } : { kind: origin.kind },
    ...(origin.kind === "release" && origin.imageRepository !== undefined
      ? { imageRepository: origin.imageRepository }
      : {}),
    architecture: hostArchitecture().debian,
    bakedAt: new Date().toISOString(),
    fingerprint,
    containerd: { version: runtime.containerd ?? packaged ?? "unknown", flavour: debian.containerd },
    debian: { codename: parseCodename(await readFile(join(rootfs, "etc/os-release"), "utf8")), ...installed },
    binaries: [...kubernetes, ...runtimePrograms, bootstrapper],
    containerImages: archives.map(({ ref, digest, sizeBytes }) => ({ ref, digest, sizeBytes })),
    ...(launchSecrets.length > 0 ? { launchSecrets } : {}),
    templates: await checksumTree(templatesDir, isTemplate),
    mayDiffer,
  };
}
