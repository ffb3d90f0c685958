import { createHash } from "node:crypto";
import { readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { exists } from "#lib/files.ts";
import { run } from "#lib/run.ts";
import { createPrivateApt, type DebianPackage } from "../debian/apt.ts";
import { locateInPackages } from "../debian/merged-usr.ts";
import { networkBootPackages } from "../debian/packages.ts";
import { findHostSources, toRelease, toSourceLine, type DebianRelease } from "../debian/sources.ts";
import { createWorkFolder } from "../work-folder.ts";

/** Debian's part of network boot, unpacked and cached. */
export interface KernelPackage {
  /** Such as `6.12.118+deb13-cloud-amd64`. */
  kernelVersion: string;
  vmlinuz: string;
  /** Folder of uncompressed modules and their indexes, laid out like /lib/modules/VERSION. */
  modulesDir: string;
  /** Statically linked. */
  busybox: string;
  /** Folder of boot loaders, laid out like /usr/lib. */
  loadersDir: string;
  packages: DebianPackage[];
}

interface KernelChoice {
  /** The image's release: its systemd and this kernel are made for each other. */
  release: DebianRelease;
  /** Debian's name of the architecture. */
  architecture: string;
  kernelPackage: string;
}

/** Returns kernel, busybox and boot loaders from the cache, or fetches them. `refresh` fetches the archive's latest. */
export async function ensureKernelPackage(
  options: KernelChoice & { cacheDir: string; refresh?: boolean },
  { signal }: { signal: AbortSignal },
): Promise<KernelPackage> {
  const { cacheDir, release, architecture, kernelPackage, refresh = false } = options;
  const { codename, sources } = toRelease(await findHostSources({ signal }), release);
  const wanted = networkBootPackages(architecture, kernelPackage);
  const inputs = { codename, lines: sources.map((source) => toSourceLine("deb", source)), wanted };
  const key = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 16);
  const dir = join(cacheDir, "kernel", key);
  if (refresh) await rm(dir, { recursive: true, force: true });
  if (!(await exists(join(dir, "packages.json")))) {
    await using work = await createWorkFolder(dirname(dir));
    const stateDir = join(work.path, "apt");
    const apt = await createPrivateApt({ sources, kind: "deb", stateDir }, { signal });
    // The package of this name is empty and depends on the current kernel's package.
    const kernels = (await apt.dependencies(wanted.kernel)).filter((name) => name.startsWith("linux-image-"));
    if (kernels.length === 0)
      throw new Error(
        `Cannot use kernel ${wanted.kernel}: it does not depend on a kernel's package; try linux-image-${architecture}`,
      );
    const packages = await apt.unpack([...kernels, ...wanted.others], join(work.path, "root"));
    await rm(stateDir, { recursive: true });
    await decompressModules(join(work.path, "root"), { signal });
    await writeFile(join(work.path, "packages.json"), JSON.stringify(packages));
    await rename(work.path, dir);
  }
  return describe(dir);
}

/** Decompresses modules: Debian 13 has `.ko.xz`, which busybox cannot load and every boot would have to unpack. */
export async function decompressModules(tree: string, { signal }: { signal: AbortSignal }): Promise<void> {
  const find = [await locateInPackages(tree, "lib/modules"), "-name", "*.ko.xz"];
  await run("find", [...find, "-exec", "xz", "--decompress", "{}", "+"], { signal });
}

async function describe(dir: string): Promise<KernelPackage> {
  const tree = join(dir, "root");
  const allModules = await locateInPackages(tree, "lib/modules");
  const [kernelVersion, ...others] = await readdir(allModules);
  if (kernelVersion === undefined || others.length > 0)
    throw new Error(`Cannot use kernel in ${dir}: it must hold exactly one; remove that folder to fetch it again`);
  return {
    kernelVersion,
    vmlinuz: join(tree, "boot", `vmlinuz-${kernelVersion}`),
    modulesDir: join(allModules, kernelVersion),
    busybox: await locateInPackages(tree, "bin/busybox"),
    loadersDir: join(tree, "usr/lib"),
    packages: JSON.parse(await readFile(join(dir, "packages.json"), "utf8")) as DebianPackage[],
  };
}
