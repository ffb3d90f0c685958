import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join, normalize } from "node:path";
import type { Architecture } from "../architecture.ts";
import { checksumFile } from "../kubernetes/binaries.ts";
import { run } from "../../metadata-server/run.ts";
import { download, type TransferOptions } from "../transfer.ts";
import type { RuntimePlan } from "./runtime-origin.ts";
import { cniPlugins, cniPluginsVersion, crictlVersion } from "./runtime-versions.ts";

export interface ReleaseArchive {
  /** Below https://github.com; the checksum is beside it. */
  path: string;
  checksumSuffix: ".sha256" | ".sha256sum";
  /** Folder in the archive that the programs are in. */
  folder: string;
  programs: readonly string[];
}

/** The archives that upstream publishes of what the plan wants. */
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

/** Downloads, checks and unpacks the plan's programs into `outDir`. Throws DownloadError, or an Error for a wrong checksum. */
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
    const urls = { url: archiveUrl(githubUrl, archive), checksum: checksumUrl(githubUrl, archive) };
    await downloadChecked(urls, file, transfer);
    await unpack(file, archive, { url: urls.url, outDir, signal: transfer.signal });
    await rm(file);
  }
}

async function downloadChecked(
  { url, checksum }: { url: string; checksum: string },
  file: string,
  transfer: TransferOptions,
): Promise<void> {
  const published = `${file}.checksum`;
  await rm(published, { force: true });
  await download(checksum, published, transfer);
  const wanted = /^([0-9a-f]{64})\b/.exec(await readFile(published, "utf8"))?.[1];
  await rm(published);
  if (wanted === undefined)
    throw new Error(`Cannot use ${checksum}: it is no SHA-256; is a proxy or a login page in between`);
  await download(url, file, transfer);
  const { sha256 } = await checksumFile(file);
  if (sha256 === wanted) return;
  await rm(file);
  throw new Error(
    `Cannot use ${url}: its SHA-256 is ${sha256}, published is ${wanted}; nothing of it was kept, try again or use another mirror`,
  );
}

/** The programs alone, without owners or links: whatever else is in the archive stays there. */
async function unpack(
  file: string,
  { folder, programs }: ReleaseArchive,
  { url, outDir, signal }: { url: string; outDir: string; signal: AbortSignal },
): Promise<void> {
  const tar = (...args: string[]) => run("tar", ["--gzip", "--file", file, "--directory", outDir, ...args], { signal });
  // Archives differ in whether a name begins with "./".
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
