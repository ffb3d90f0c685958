import { createHash } from "node:crypto";
import { access, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createWorkFolder } from "../../images/work-folder.ts";
import { run } from "../../metadata-server/run.ts";
import { cacheDir, kubernetesVersion } from "./lab.ts";

/**
 * Of a cloud's stock image: its network is there, and the clouds that it could ask for are not looked for. The locale is the
 * one that the machine image has.
 */
const cloudInitSettings = {
  network: { config: "disabled" },
  datasource_list: ["NoCloud", "None"],
  locale: "C.UTF-8",
};

/**
 * A folder of images with the baked one and Debian's own cloud-init, without sprout-bootstrap: as a stock image is that
 * somebody put Kubernetes into. Made once for each baked image.
 */
export async function ensureCloudInitImage({ signal }: { signal: AbortSignal }): Promise<string> {
  const baked = join(cacheDir, "images", kubernetesVersion);
  const init = join(import.meta.dirname, "cloud-init-init.sh");
  const inputs = [
    await readFile(join(baked, "manifest.json")),
    await readFile(init),
    await readFile(import.meta.filename),
  ];
  const key = createHash("sha256").update(Buffer.concat(inputs)).digest("hex").slice(0, 16);
  const parent = join(cacheDir, "cloud-init");
  const imagesDir = join(parent, key);
  if (await exists(imagesDir)) return imagesDir;
  await using work = await createWorkFolder(parent);
  const image = join(work.path, "images", kubernetesVersion);
  await mkdir(image, { recursive: true });
  await run("cp", ["--archive", join(baked, "rootfs"), join(image, "rootfs")], { signal });
  await run("cp", ["--archive", "--link", join(baked, "containerd"), join(image, "containerd")], { signal });
  await installCloudInit(join(image, "rootfs"), signal);
  await toStockImage(join(image, "rootfs"), init);
  await copyFile(join(baked, "manifest.json"), join(image, "manifest.json"));
  const outdated = (await readdir(parent)).filter((name) => !name.startsWith("."));
  await Promise.all(outdated.map((name) => rm(join(parent, name), { recursive: true })));
  await rename(join(work.path, "images"), imagesDir);
  return imagesDir;
}

/** The host's apt and its archives; the packages' own scripts run inside. */
async function installCloudInit(rootfs: string, signal: AbortSignal): Promise<void> {
  for (const folder of ["var/lib/apt/lists/partial", "var/cache/apt/archives/partial"])
    await mkdir(join(rootfs, folder), { recursive: true });
  const settings = [
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
  await run("apt-get", ["-qq", "-y", ...settings, "--no-install-recommends", "install", "cloud-init"], { signal, env });
}

/** Below a machine's root: what a stock image lacks. */
export const withoutBootstrapper = [
  "usr/bin/sprout-bootstrap",
  "etc/systemd/system/sprout-bootstrap.service",
  "etc/systemd/system/multi-user.target.wants/sprout-bootstrap.service",
];

async function toStockImage(rootfs: string, init: string): Promise<void> {
  for (const path of withoutBootstrapper) await rm(join(rootfs, path));
  await writeFile(join(rootfs, "etc/cloud/cloud.cfg.d/99-lab.cfg"), JSON.stringify(cloudInitSettings));
  const firstProgram = join(rootfs, "usr/lib/sprout/nspawn-init");
  await rename(firstProgram, `${firstProgram}.baked`);
  await copyFile(init, firstProgram);
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
