import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createPrivateApt, type DebianPackage } from "./debian/apt.ts";
import { bootstrapDebian, sourceDateEpoch, withoutDocumentation } from "./debian/bootstrap.ts";
import { containerPackages, listMachinePackages, type DebianChoice } from "./debian/packages.ts";
import { findHostSources, toRelease, toSourceLine, type DebianSources } from "./debian/sources.ts";
import { exists } from "#lib/files.ts";
import { run } from "#lib/run.ts";
import { createWorkFolder } from "./work-folder.ts";

export interface DebianPackages {
  rootfs: DebianPackage[];
  containerImages: DebianPackage[];
}

/** Debian's part of an image, cached: the machine root as an archive, and the programs of the container images. */
interface DebianBase {
  rootfsArchive: string;
  /** Unpacked tree of the packages that are only used in container images. */
  containerPackagesDir: string;
  packages: DebianPackages;
}

/**
 * Returns the base from the cache, or makes it with mmdebstrap. `refresh` makes it again, with the archives' latest
 * packages.
 */
export async function ensureDebianBase(
  { cacheDir, refresh = false, release, containerd }: DebianChoice & { cacheDir: string; refresh?: boolean },
  { signal }: { signal: AbortSignal },
): Promise<DebianBase> {
  const wanted: WantedBase = {
    ...toRelease(await findHostSources({ signal }), release),
    machinePackages: listMachinePackages({ release, containerd }),
  };
  const dir = join(cacheDir, "debian", cacheKey(wanted));
  if (refresh) await rm(dir, { recursive: true, force: true });
  if (!(await exists(join(dir, "packages.json")))) await buildBase(wanted, dir, signal);
  return {
    rootfsArchive: join(dir, "rootfs.tar"),
    containerPackagesDir: join(dir, "container-packages"),
    packages: JSON.parse(await readFile(join(dir, "packages.json"), "utf8")) as DebianPackages,
  };
}

/** Unpacks the base into the empty folder `rootfs`. */
export async function unpackRootfs(base: DebianBase, rootfs: string, { signal }: { signal: AbortSignal }) {
  await mkdir(rootfs, { recursive: true });
  const keep = ["--numeric-owner", "--same-permissions", "--xattrs", "--xattrs-include=*"];
  await run("tar", ["--extract", "--file", base.rootfsArchive, "--directory", rootfs, ...keep], { signal });
}

/** Inputs of a base. */
interface WantedBase extends DebianSources {
  machinePackages: readonly string[];
}

async function buildBase(wanted: WantedBase, dir: string, signal: AbortSignal): Promise<void> {
  await using work = await createWorkFolder(dirname(dir));
  const archive = join(work.path, "rootfs.tar");
  // Waits for both even if one fails: nothing may write to the work folder when it is removed.
  const [rootfs, containerImages] = await Promise.allSettled([
    bootstrapRootfs(wanted, archive, signal),
    unpackContainerPackages(wanted, work.path, signal),
  ]);
  if (rootfs.status === "rejected") throw rootfs.reason;
  if (containerImages.status === "rejected") throw containerImages.reason;
  const packages = { rootfs: rootfs.value, containerImages: containerImages.value };
  await writeFile(join(work.path, "packages.json"), JSON.stringify(packages));
  await rename(work.path, dir);
}

async function bootstrapRootfs(wanted: WantedBase, archive: string, signal: AbortSignal): Promise<DebianPackage[]> {
  const args = ["--variant=minbase", `--include=${wanted.machinePackages.join(",")}`];
  await bootstrapDebian(wanted, args, { archive, signal });
  const status = ["--extract", "--to-stdout", "--file", archive, "./var/lib/dpkg/status"];
  return parseDpkgStatus(await run("tar", status, { signal }));
}

/** Unpacks the packages into `container-packages` in the folder `work`. */
export async function unpackContainerPackages(
  { sources }: DebianSources,
  work: string,
  signal: AbortSignal,
): Promise<DebianPackage[]> {
  const stateDir = join(work, "apt");
  const apt = await createPrivateApt({ sources, kind: "deb", stateDir }, { signal });
  const packages = await apt.unpack(containerPackages, join(work, "container-packages"));
  await rm(stateDir, { recursive: true });
  return packages;
}

/** Lists the installed packages of a root. */
export const listDebianPackages = async (rootfs: string): Promise<DebianPackage[]> =>
  parseDpkgStatus(await readFile(join(rootfs, "var/lib/dpkg/status"), "utf8"));

/** Lists the installed packages of a dpkg status file, in its order (by name). */
export function parseDpkgStatus(status: string): DebianPackage[] {
  return status
    .split("\n\n")
    .filter((paragraph) => /^Status: install ok installed$/m.test(paragraph))
    .map((paragraph) => ({
      name: /^Package: (.+)$/m.exec(paragraph)?.[1] ?? "",
      version: /^Version: (.+)$/m.exec(paragraph)?.[1] ?? "",
    }));
}

function cacheKey({ codename, sources, machinePackages }: WantedBase): string {
  const lines = sources.map((source) => toSourceLine("deb", source));
  const inputs = { codename, lines, machinePackages, containerPackages, withoutDocumentation, sourceDateEpoch };
  return createHash("sha256").update(JSON.stringify(inputs)).digest("hex").slice(0, 16);
}
