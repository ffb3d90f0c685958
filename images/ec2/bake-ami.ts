import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { templatesFolder } from "../../templates/folder.ts";
import { bakeRoot, manifestFile, writeManifest, type BakeRootOptions } from "../bake-root.ts";
import { ensureHostPackages } from "../debian/host-packages.ts";
import { listMachinePackages } from "../debian/packages.ts";
import { findHostSources } from "../debian/sources.ts";
import type { ImageManifest } from "../manifest.ts";
import { runStep, type OnBakeProgress } from "../progress.ts";
import { listDebianPackages, unpackContainerPackages } from "../rootfs.ts";
import { createWorkFolder } from "../work-folder.ts";
import { installAmiFiles } from "./ami-files.ts";
import { checkInstance, readInstanceFacts } from "./instance.ts";
import { installPackages, withoutTools } from "./instance-packages.ts";
import { listReadAhead } from "./read-ahead.ts";

const rootfs = "/";
const containerdStore = "/var/lib/containerd";
/** Packages that strip the bootstrapper, as for every other image. */
const tools = ["binutils"];

/**
 * Turns this instance's root into the image: adds what every image has to Debian's cloud image, which keeps its kernel,
 * boot loader, cloud-init and SSH. Can be repeated. Throws before it changes anything if the instance is unsuitable.
 */
export async function bakeAmi(
  prepareInputs: () => Promise<Omit<BakeRootOptions, "onProgress">>,
  { signal, onProgress }: { signal: AbortSignal; onProgress: OnBakeProgress },
): Promise<ImageManifest> {
  const debianRelease = checkInstance(await readInstanceFacts({ signal }));
  // Keeps Debian's containerd whatever flavour is chosen: a package that was never installed needs no keeping.
  const baked = await withoutTools(listMachinePackages({ release: debianRelease, containerd: "debian" }), {
    signal,
    work: async () => {
      await ensureHostPackages(tools, { signal });
      return bakeOwnRoot({ ...(await prepareInputs()), debianRelease, onProgress });
    },
  });
  const debian = { ...baked.debian, rootfs: await listDebianPackages(rootfs) };
  const manifest = { ...baked, debian };
  await writeManifest(join(rootfs, manifestFile), manifest);
  return manifest;
}

async function bakeOwnRoot(options: BakeRootOptions): Promise<ImageManifest> {
  const { cacheDir, debianRelease: release, containerd, templatesDir = templatesFolder, signal, onProgress } = options;
  await using work = await createWorkFolder(join(cacheDir, "ami"));
  await empty(containerdStore);
  const place = { rootfs, containerdStore, scratchDir: work.path, kind: "cloud" as const };
  const { manifest, archives } = await bakeRoot(options, place, async () => {
    await installPackages(listMachinePackages({ release, containerd }), { signal });
    const containerImages = await unpackContainerPackages(await findHostSources({ signal }), work.path, signal);
    return {
      containerPackagesDir: join(work.path, "container-packages"),
      packages: { rootfs: await listDebianPackages(rootfs), containerImages },
      install: () => Promise.resolve(),
    };
  });
  await runStep("finish", onProgress, async () => {
    const scratchDir = join(work.path, "layers");
    await mkdir(scratchDir);
    const readAhead = await listReadAhead({ rootfs, containerdStore, archives, scratchDir, signal });
    await installAmiFiles(rootfs, { templatesDir, readAhead });
  });
  return manifest;
}

async function empty(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) await rm(join(folder, name), { recursive: true });
}
