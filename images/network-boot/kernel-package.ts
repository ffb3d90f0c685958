import { createHash } from "node:crypto";
import { access, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createPrivateApt, type DebianPackage } from "../debian/apt.ts";
import { networkBootPackages } from "../debian/packages.ts";
import { findHostSources, toSourceLine } from "../debian/sources.ts";
import { createWorkFolder } from "../work-folder.ts";

/** Debian's part of network boot, unpacked and cached. */
export interface KernelPackage {
  /** Such as `6.1.0-56-cloud-amd64`. */
  kernelVersion: string;
  vmlinuz: string;
  /** Folder `kernel` and its lists, as below /lib/modules. */
  modulesDir: string;
  /** Statically linked. */
  busybox: string;
  /** Boot loaders, as below /usr/lib. */
  loadersDir: string;
  packages: DebianPackage[];
}

/** Kernel, busybox and boot loaders out of the cache, or fetched. `refresh` fetches the archive's latest. */
export async function ensureKernelPackage(
  options: { cacheDir: string; architecture: string; kernelPackage: string; refresh?: boolean },
  { signal }: { signal: AbortSignal },
): Promise<KernelPackage> {
  const { cacheDir, architecture, kernelPackage, refresh = false } = options;
  const { codename, sources } = await findHostSources({ signal });
  const wanted = networkBootPackages(architecture, kernelPackage);
  const inputs = { codename, lines: sources.map((source) => toSourceLine("deb", source)), wanted };
  const key = createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 16);
  const dir = join(cacheDir, "kernel", key);
  if (refresh) await rm(dir, { recursive: true, force: true });
  const isCached = await access(join(dir, "packages.json")).then(
    () => true,
    () => false,
  );
  if (!isCached) {
    await using work = await createWorkFolder(dirname(dir));
    const stateDir = join(work.path, "apt");
    const apt = await createPrivateApt({ sources, kind: "deb", stateDir }, { signal });
    // The package of this name is empty and depends on the current kernel's.
    const kernels = (await apt.dependencies(wanted.kernel)).filter((name) => name.startsWith("linux-image-"));
    if (kernels.length === 0)
      throw new Error(
        `Cannot use kernel ${wanted.kernel}: it is no package that depends on a kernel; try linux-image-${architecture}`,
      );
    const packages = await apt.unpack([...kernels, ...wanted.others], join(work.path, "root"));
    await rm(stateDir, { recursive: true });
    await writeFile(join(work.path, "packages.json"), JSON.stringify(packages));
    await rename(work.path, dir);
  }
  return describe(dir);
}

async function describe(dir: string): Promise<KernelPackage> {
  const [kernelVersion, ...others] = await readdir(join(dir, "root/lib/modules"));
  if (kernelVersion === undefined || others.length > 0)
    throw new Error(`Cannot tell which kernel is in ${dir}: remove that folder, it is fetched again`);
  return {
    kernelVersion,
    vmlinuz: join(dir, "root/boot", `vmlinuz-${kernelVersion}`),
    modulesDir: join(dir, "root/lib/modules", kernelVersion),
    busybox: join(dir, "root/bin/busybox"),
    loadersDir: join(dir, "root/usr/lib"),
    packages: JSON.parse(await readFile(join(dir, "packages.json"), "utf8")) as DebianPackage[],
  };
}
