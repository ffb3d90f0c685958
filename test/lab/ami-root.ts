import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  defaultDebianRelease,
  findHostSources,
  toRelease,
  toSourceLine,
  type DebianSource,
} from "../../images/debian/sources.ts";
import { createWorkFolder } from "../../images/work-folder.ts";
import { run } from "#lib/run.ts";
import { exists } from "#lib/files.ts";
import { cacheDir, kubernetesVersion, locatePrograms } from "./lab.ts";

const projectDir = join(import.meta.dirname, "../..");
const hypervisor = join(import.meta.dirname, "ec2-init.sh");
const parent = join(cacheDir, "ami");
/** Packer's path for it. */
const archivePath = "/tmp/sprout-project.tar.gz";

/**
 * Packages of Debian's cloud image (its FAI configuration), without the kernel and boot loader, which a container does not
 * need, and without packages that only cost time here.
 */
const cloudPackages = [
  "apt-utils",
  "ca-certificates",
  "chrony",
  "cloud-guest-utils",
  "cloud-init",
  "dbus",
  "init",
  "iputils-ping",
  "libnss-myhostname",
  "libpam-systemd",
  "netbase",
  "netplan.io",
  "openssh-server",
  "polkitd",
  "sudo",
  "systemd-resolved",
  "unattended-upgrades",
];

/** Debian's setting: DHCP on any network card, until cloud-init replaces it. */
const netplan =
  "network: {version: 2, ethernets: {all-en: {match: {name: 'en*'}, dhcp4: true}, all-eth: {match: {name: 'eth*'}, dhcp4: true}}}\n";

export interface AmiRoot {
  /** A folder of images with this one; its nspawn machines detect EC2's hypervisor. */
  imagesDir: string;
  /** The AMI's root file system, without the contents of `containerdStore`. */
  rootfs: string;
  containerdStore: string;
  /** Duration of the provisioner in seconds, and its output. */
  seconds: number;
  output: string;
}

/**
 * The root of an AMI: Debian's cloud image after Packer's commands, run in a container instead of an instance. Built once
 * for each version of this checkout.
 */
export async function ensureAmiRoot({ signal }: { signal: AbortSignal }): Promise<AmiRoot> {
  const dir = join(parent, await keyOf());
  if (!(await exists(dir))) {
    await using work = await createWorkFolder(parent);
    const made = join(work.path, "root");
    await createAmiRoot(made, { signal });
    const outdated = (await readdir(parent)).filter((name) => !name.startsWith(".") && !name.startsWith("base-"));
    for (const name of outdated) await rm(join(parent, name), { recursive: true });
    await rename(made, dir);
  }
  const image = join(dir, "ami");
  const { seconds, output } = JSON.parse(await readFile(join(dir, "made.json"), "utf8")) as AmiRoot;
  const paths = { rootfs: join(image, "rootfs"), containerdStore: join(image, "containerd") };
  return { imagesDir: join(dir, "images"), ...paths, seconds, output };
}

/** Hash of every input. */
async function keyOf(): Promise<string> {
  const { fingerprint } = JSON.parse(
    await readFile(join(cacheDir, "images", kubernetesVersion, "manifest.json"), "utf8"),
  ) as { fingerprint: string };
  const cliDir = join(projectDir, "cli/image");
  const code = await Promise.all(
    [import.meta.filename, hypervisor, ...(await readdir(cliDir)).map((name) => join(cliDir, name))].map((file) =>
      readFile(file),
    ),
  );
  return createHash("sha256").update(fingerprint).update(Buffer.concat(code)).digest("hex").slice(0, 16);
}

async function createAmiRoot(dir: string, { signal }: { signal: AbortSignal }): Promise<void> {
  const image = join(dir, "ami");
  const rootfs = join(image, "rootfs");
  await mkdir(rootfs, { recursive: true });
  const base = await ensureCloudBase(signal);
  const keep = ["--numeric-owner", "--same-permissions", "--xattrs", "--xattrs-include=*"];
  await run("tar", ["--extract", "--file", base, "--directory", rootfs, ...keep], { signal });
  await configureAsCloud(rootfs, (await cloudSources(signal)).sources);
  await run("sh", [join(projectDir, "images/ec2/pack.sh"), join(rootfs, archivePath)], { signal });
  await copyFile(join(projectDir, "images/ec2/provision.sh"), join(rootfs, "tmp/provision.sh"));
  const startedAt = performance.now();
  const output = await provision(rootfs, signal);
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  await rename(join(rootfs, "var/lib/containerd"), join(image, "containerd"));
  await mkdir(join(rootfs, "var/lib/containerd"), { mode: 0o700 });
  await copyFile(join(rootfs, "usr/share/sprout/manifest.json"), join(image, "manifest.json"));
  await makeBootable(image, join(dir, "images", kubernetesVersion), signal);
  await writeFile(join(dir, "made.json"), JSON.stringify({ seconds, output }));
}

/** apt sources with mirror lists, as in Debian's cloud images. */
async function configureAsCloud(rootfs: string, sources: readonly DebianSource[]): Promise<void> {
  await writeFile(join(rootfs, "etc/netplan/90-default.yaml"), netplan, { mode: 0o600 });
  for (const name of ["sources.list", "sources.list.d"])
    await rm(join(rootfs, "etc/apt", name), { recursive: true, force: true });
  for (const name of ["sources.list.d", "mirrors"]) await mkdir(join(rootfs, "etc/apt", name));
  const stanzas = Array.from(Map.groupBy(sources, ({ uri }) => uri).entries(), async ([uri, those], index) => {
    const mirrors = `/etc/apt/mirrors/${index}.list`;
    await writeFile(join(rootfs, mirrors), `${uri}\n`);
    const suites = those.map(({ suite }) => suite).join(" ");
    return `Types: deb deb-src\nURIs: mirror+file://${mirrors}\nSuites: ${suites}\nComponents: main\n`;
  });
  await writeFile(join(rootfs, "etc/apt/sources.list.d/debian.sources"), (await Promise.all(stanzas)).join("\n"));
}

/** The same files plus an init program that stands in for EC2's hypervisor. */
async function makeBootable(image: string, copy: string, signal: AbortSignal): Promise<void> {
  await mkdir(dirname(copy), { recursive: true });
  await run("cp", ["--archive", "--link", image, copy], { signal });
  const init = join(copy, "rootfs/usr/lib/sprout/nspawn-init");
  await rename(init, `${init}.baked`);
  await copyFile(hypervisor, init);
}

/** Runs Packer's exact commands in a container with the host's network. */
async function provision(rootfs: string, signal: AbortSignal): Promise<string> {
  const { kubernetes, runtime } = await locatePrograms({ signal });
  const container = [
    "--quiet",
    "--register=no",
    "--keep-unit",
    "--as-pid2",
    `--machine=sprout-ami-${process.pid}`,
    "--console=pipe",
    `--directory=${rootfs}`,
    "--resolv-conf=off",
    // The file that systemd-resolved would write.
    "--bind-ro=/etc/resolv.conf:/run/systemd/resolve/stub-resolv.conf",
    "--bind-ro=/etc/resolv.conf:/run/systemd/resolve/resolv.conf",
    // Compiled once for all tests.
    `--overlay-ro=${kubernetes}:${runtime}:/kubernetes`,
  ];
  const command = ["sh", "/tmp/provision.sh", archivePath];
  const options = ["--kubernetes-version", kubernetesVersion, "--kubernetes-binaries", "/kubernetes"];
  // Like an instance: no system call filter, and Packer's files in /tmp stay.
  const env = { SYSTEMD_NSPAWN_TMPFS_TMP: "0", SYSTEMD_SECCOMP: "0" };
  return run("systemd-nspawn", [...container, ...command, ...options], { signal, env });
}

const cloudSources = async (signal: AbortSignal) => toRelease(await findHostSources({ signal }), defaultDebianRelease);

/** Debian's packages change under the same name: bump this to rebuild the root. */
async function ensureCloudBase(signal: AbortSignal): Promise<string> {
  const { codename, sources } = await cloudSources(signal);
  const lines = sources.map((source) => `${toSourceLine("deb", source)}\n`).join("");
  const key = createHash("sha256").update(JSON.stringify({ cloudPackages, lines })).digest("hex");
  const archive = join(parent, `base-${key.slice(0, 16)}.tar`);
  if (await exists(archive)) return archive;
  const made = join(parent, `.base-${process.pid}.tar`);
  const sourcesList = `${made}.sources.list`;
  await writeFile(sourcesList, lines);
  const hook = "--hook-dir=/usr/share/mmdebstrap/hooks/maybe-merged-usr";
  const args = ["--variant=important", "--mode=root", "--quiet", hook, `--include=${cloudPackages.join(",")}`];
  await run("mmdebstrap", [...args, codename, made, sourcesList], { signal });
  await rm(sourcesList);
  await rename(made, archive);
  return archive;
}
