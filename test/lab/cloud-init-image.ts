import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultDebianRelease, findHostSources, toRelease, toSourceLine } from "../../images/debian/sources.ts";
import { createWorkFolder } from "../../images/work-folder.ts";
import { run } from "#lib/run.ts";
import { exists } from "#lib/files.ts";
import { cacheDir, kubernetesVersion } from "./lab.ts";

/**
 * Settings of a cloud's stock image: a configured network, and no search for other clouds. The locale is the machine
 * image's.
 */
const cloudInitSettings = {
  network: { config: "disabled" },
  datasource_list: ["NoCloud", "None"],
  locale: "C.UTF-8",
};

/**
 * A folder of images with the baked one plus Debian's cloud-init, minus sprout-bootstrap: like a stock image with
 * Kubernetes installed.
 */
export const ensureStockImage = ({ signal }: { signal: AbortSignal }): Promise<string> =>
  ensureCloudInitImage({ name: "stock", packages: ["cloud-init"], inputs: [init], finish: becomeStockImage, signal });

const init = join(import.meta.dirname, "cloud-init-init.sh");

export interface CloudInitImageOptions {
  name: string;
  packages: readonly string[];
  /** Files that the image depends on. */
  inputs: readonly string[];
  /** Further changes to the baked image. */
  finish: (rootfs: string) => Promise<void>;
  signal: AbortSignal;
}

/** A folder of images with the baked one and further Debian packages. Built once for each baked image. */
export async function ensureCloudInitImage(options: CloudInitImageOptions): Promise<string> {
  const { name, packages, finish, signal } = options;
  const baked = join(cacheDir, "images", kubernetesVersion);
  const files = [join(baked, "manifest.json"), import.meta.filename, ...options.inputs];
  const inputs = await Promise.all(files.map((file) => readFile(file)));
  const key = createHash("sha256").update(Buffer.concat(inputs)).digest("hex").slice(0, 16);
  const parent = join(cacheDir, "cloud-init", name);
  const imagesDir = join(parent, key);
  if (await exists(imagesDir)) return imagesDir;
  await using work = await createWorkFolder(parent);
  const image = join(work.path, "images", kubernetesVersion);
  await mkdir(image, { recursive: true });
  await run("cp", ["--archive", join(baked, "rootfs"), join(image, "rootfs")], { signal });
  await run("cp", ["--archive", "--link", join(baked, "containerd"), join(image, "containerd")], { signal });
  await installPackages(join(image, "rootfs"), { packages, signal });
  await finish(join(image, "rootfs"));
  await copyFile(join(baked, "manifest.json"), join(image, "manifest.json"));
  const outdated = (await readdir(parent)).filter((folder) => !folder.startsWith("."));
  await Promise.all(outdated.map((folder) => rm(join(parent, folder), { recursive: true })));
  await rename(join(work.path, "images"), imagesDir);
  return imagesDir;
}

/** The host's apt with the archives of the image's release; package scripts run inside the image. */
async function installPackages(
  rootfs: string,
  { packages, signal }: Pick<CloudInitImageOptions, "packages" | "signal">,
): Promise<void> {
  for (const folder of ["var/lib/apt/lists/partial", "var/cache/apt/archives/partial"])
    await mkdir(join(rootfs, folder), { recursive: true });
  const { sources } = toRelease(await findHostSources({ signal }), defaultDebianRelease);
  const list = join(rootfs, "etc/apt/sources.list");
  await writeFile(list, sources.map((source) => `${toSourceLine("deb", source)}\n`).join(""));
  const settings = [
    `Dir::Etc::sourcelist=${list}`,
    "Dir::Etc::sourceparts=/nonexistent",
    "Dir::Etc::trusted=/usr/share/keyrings/debian-archive-keyring.gpg",
    `Dir::State=${join(rootfs, "var/lib/apt")}`,
    `Dir::State::status=${join(rootfs, "var/lib/dpkg/status")}`,
    `Dir::Cache=${join(rootfs, "var/cache/apt")}`,
    "Dir::Log=/dev/null",
    `DPkg::Chroot-Directory=${rootfs}`,
    "DPkg::Options::=--force-unsafe-io",
    "APT::Sandbox::User=root",
  ].flatMap((setting) => ["-o", setting]);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  await run("apt-get", ["-qq", ...settings, "update"], { signal });
  await run("apt-get", ["-qq", "-y", ...settings, "--no-install-recommends", "install", ...packages], { signal, env });
}

/** Below a machine's root: what a stock image lacks. */
export const withoutBootstrapper = [
  "usr/bin/sprout-bootstrap",
  "etc/systemd/system/sprout-bootstrap.service",
  "etc/systemd/system/multi-user.target.wants/sprout-bootstrap.service",
];

async function becomeStockImage(rootfs: string): Promise<void> {
  for (const path of withoutBootstrapper) await rm(join(rootfs, path));
  await writeFile(join(rootfs, "etc/cloud/cloud.cfg.d/99-lab.cfg"), JSON.stringify(cloudInitSettings));
  const firstProgram = join(rootfs, "usr/lib/sprout/nspawn-init");
  await rename(firstProgram, `${firstProgram}.baked`);
  await copyFile(init, firstProgram);
}
