import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Architecture } from "../architecture.ts";
import { readElf } from "../elf.ts";
import { run } from "../../metadata-server/run.ts";

export const kubernetesPrograms = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-proxy",
  "kube-scheduler",
  "kubeadm",
  "kubectl",
  "kubelet",
  "pause",
] as const;

/** What runs on the machine itself; in the official release, the others come as container images. */
export const nodePrograms = ["kubeadm", "kubectl", "kubelet"] as const;

type Program = (typeof kubernetesPrograms)[number];

export interface FileChecksum {
  name: string;
  sha256: string;
  sizeBytes: number;
}

/** Every reason why a folder cannot be baked, at once. */
export class BinariesError extends Error {
  override name = "BinariesError";
  readonly problems: string[];
  constructor(dir: string, problems: string[]) {
    super(`Cannot use Kubernetes binaries in ${dir}: ${problems.join("; ")}`);
    this.problems = problems;
  }
}

/** Throws BinariesError unless every program is in `dir`, executable, of this architecture and of this version. */
export async function checkBinaries(
  dir: string,
  {
    programs = kubernetesPrograms,
    kubernetesVersion,
    architecture,
    signal,
  }: {
    programs?: readonly Program[];
    kubernetesVersion: string;
    architecture: Architecture;
    signal: AbortSignal;
  },
): Promise<void> {
  const checks = programs.map((name) => checkProgram(join(dir, name), name, architecture));
  const problems = (await Promise.all(checks)).filter((problem) => problem !== null);
  if (problems.length > 0) throw new BinariesError(dir, problems);

  const found = await run(join(dir, "kubeadm"), ["version", "--output=short"], { signal });
  if (found !== kubernetesVersion)
    throw new BinariesError(dir, [`kubeadm is ${found}, asked for was ${kubernetesVersion}`]);
}

async function checkProgram(path: string, name: string, architecture: Architecture): Promise<string | null> {
  const file = await stat(path).catch(() => null);
  if (!file?.isFile()) return `${name} is missing`;
  if ((file.mode & 0o111) === 0) return `${name} is not executable`;
  const elf = await readElf(path);
  if (!elf) return `${name} is not a Linux program`;
  if (elf.architecture?.debian === architecture.debian) return null;
  return `${name} is for ${elf.architecture?.debian ?? "an unknown architecture"}, this machine is ${architecture.debian}`;
}

export async function checksumFile(path: string): Promise<{ sha256: string; sizeBytes: number }> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return { sha256: hash.digest("hex"), sizeBytes: (await stat(path)).size };
}

const checksumsFile = "SHA256SUMS";

export async function checksumBinaries(dir: string, programs: readonly Program[]): Promise<FileChecksum[]> {
  const checksums: FileChecksum[] = [];
  for (const name of programs) checksums.push({ name, ...(await checksumFile(join(dir, name))) });
  return checksums;
}

/** Writes `SHA256SUMS` in the format of sha256sum. */
export async function writeChecksums(dir: string, programs: readonly Program[] = kubernetesPrograms): Promise<void> {
  const checksums = await checksumBinaries(dir, programs);
  const lines = checksums.map(({ name, sha256 }) => `${sha256}  ${name}\n`);
  await writeFile(join(dir, checksumsFile), lines.join(""));
}

/** The folder's `SHA256SUMS` as it stands; null where there is none. */
export const readChecksums = (dir: string) => readFile(join(dir, checksumsFile), "utf8").catch(() => null);
