import { mkdir, rename, rm } from "node:fs/promises";
import { join, normalize } from "node:path";
import type { Architecture } from "#lib/architecture.ts";
import { run } from "#lib/run.ts";
import type { TransferOptions } from "../transfer.ts";
import { downloadVerified } from "../verified-download.ts";
import type { RuntimePlan } from "./runtime-origin.ts";
import { cniPlugins, cniPluginsVersion, crictlVersion } from "./runtime-versions.ts";

interface ReleaseArchive {
  /** Path below https://github.com; the checksum is in the same folder. */
  path: string;
  checksumSuffix: ".sha256" | ".sha256sum";
  /** Folder of the programs in the archive. */
  folder: string;
  programs: readonly string[];
}

/** Lists upstream's archives with the planned programs. */
export function listReleaseArchives(
  { containerd, programs }: RuntimePlan,
  { debian: arch }: Architecture,
): ReleaseArchive[] {
  const crictl: ReleaseArchive = {
    path: `kubernetes-sigs/cri-tools/releases/download/v${crictlVersion}/crictl-v${crictlVersion}-linux-${arch}.tar.gz`,
    checksumSuffix: ".sha256",
    folder: ".",
    programs: ["crictl"],
  };
  const cni: ReleaseArchive = {
    path: `containernetworking/plugins/releases/download/v${cniPluginsVersion}/cni-plugins-linux-${arch}-v${cniPluginsVersion}.tgz`,
    checksumSuffix: ".sha256",
    folder: ".",
    programs: cniPlugins,
  };
  if (containerd === undefined) return [crictl, cni];
  const others: readonly string[] = [...crictl.programs, ...cni.programs];
  const archive: ReleaseArchive = {
    path: `containerd/containerd/releases/download/v${containerd}/containerd-static-${containerd}-linux-${arch}.tar.gz`,
    checksumSuffix: ".sha256sum",
    folder: "bin",
    programs: programs.filter((name) => !others.includes(name)),
  };
  return [archive, cni, crictl];
}

const archiveUrl = (githubUrl: string, { path }: ReleaseArchive) => `${githubUrl.replace(/\/+$/, "")}/${path}`;
export const checksumUrl = (githubUrl: string, archive: ReleaseArchive) =>
  `${archiveUrl(githubUrl, archive)}${archive.checksumSuffix}`;

/**
 * Downloads, checks and unpacks the plan's programs into `outDir`. Throws DownloadError or
 * ChecksumError.
 */
export async function downloadRuntime(
  plan: RuntimePlan,
  options: TransferOptions & {
    githubUrl: string;
    architecture: Architecture;
    outDir: string;
    onDetail: (detail: string) => void;
  },
): Promise<void> {
  const { githubUrl, architecture, outDir, onDetail, ...transfer } = options;
  await mkdir(outDir, { recursive: true });
  for (const archive of listReleaseArchives(plan, architecture)) {
    const name = archive.path.split("/").at(-1) ?? archive.path;
    onDetail(name);
    const file = join(outDir, name);
    const url = archiveUrl(githubUrl, archive);
    await downloadVerified({ url, checksumUrl: checksumUrl(githubUrl, archive) }, file, transfer);
    await unpack(file, archive, { url, outDir, signal: transfer.signal });
    await rm(file);
  }
}

/** Unpacks only the programs, without owners and links. */
async function unpack(
  file: string,
  { folder, programs }: ReleaseArchive,
  { url, outDir, signal }: { url: string; outDir: string; signal: AbortSignal },
): Promise<void> {
  const tar = (...args: string[]) => run("tar", ["--gzip", "--file", file, "--directory", outDir, ...args], { signal });
  // In some archives names begin with "./".
  const listed = (await tar("--list")).split("\n");
  const names = new Map(listed.map((member) => [normalize(member), member]));
  const members = programs.flatMap((name) => names.get(join(folder, name)) ?? []);
  if (members.length < programs.length) {
    const missing = programs.filter((name) => !names.has(join(folder, name)));
    throw new Error(
      `Cannot use ${url}: it lacks ${missing.join(", ")}; use another mirror, or --kubernetes-source modules`,
    );
  }
  await tar("--extract", "--no-same-owner", ...members);
  if (folder === ".") return;
  for (const name of programs) await rename(join(outDir, folder, name), join(outDir, name));
  await rm(join(outDir, folder), { recursive: true });
}
