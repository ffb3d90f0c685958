import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Architecture } from "#lib/architecture.ts";
import { readElf } from "../elf.ts";
import { run } from "#lib/run.ts";

/** Every program of Kubernetes on a machine and in its container images. */
export const kubernetesPrograms = [
  "coredns",
  "etcd",
  "etcdctl",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-proxy",
  "kube-scheduler",
  "kubeadm",
  "kubectl",
  "kubelet",
  "pause",
] as const;
/** Programs on the machine itself; in the official release, the others are container images. */
export const nodePrograms = ["kubeadm", "kubectl", "kubelet"] as const;

interface FileChecksum {
  name: string;
  sha256: string;
  sizeBytes: number;
}

/** Every reason why a folder's programs cannot be used. */
export class BinariesError extends Error {
  override name = "BinariesError";
  readonly problems: string[];
  constructor(dir: string, problems: string[]) {
    super(`Cannot use programs in ${dir}: ${problems.join("; ")}`);
    this.problems = problems;
  }
}

/** Arguments that make a program print its version. The other programs are not asked. */
const kubernetesQuestions: Readonly<Record<string, readonly string[]>> = {
  kubeadm: ["version", "--output=short"],
  kubelet: ["--version"],
  kubectl: ["version", "--client"],
  "kube-apiserver": ["--version"],
  "kube-controller-manager": ["--version"],
  "kube-scheduler": ["--version"],
  "kube-proxy": ["--version"],
};

/**
 * Throws BinariesError unless `dir` has every program, executable, of this architecture and, for Kubernetes' own, of
 * this version.
 */
export async function checkBinaries(
  dir: string,
  {
    programs = kubernetesPrograms,
    kubernetesVersion,
    questions = kubernetesQuestions,
    architecture,
    signal,
  }: {
    programs?: readonly string[];
    questions?: Readonly<Record<string, readonly string[]>>;
    kubernetesVersion?: string;
    architecture: Architecture;
    signal: AbortSignal;
  },
): Promise<void> {
  const checks = programs.map((name) => checkProgram(join(dir, name), name, architecture));
  const problems = (await Promise.all(checks)).filter((problem) => problem !== null);
  if (problems.length > 0) throw new BinariesError(dir, problems);
  if (kubernetesVersion === undefined) return;
  const answers = programs.flatMap((name) => {
    const question = questions[name];
    return question === undefined ? [] : [checkVersion(join(dir, name), { name, question, kubernetesVersion, signal })];
  });
  const wrong = (await Promise.all(answers)).filter((problem) => problem !== null);
  if (wrong.length > 0) throw new BinariesError(dir, wrong);
}

async function checkVersion(
  path: string,
  options: { name: string; question: readonly string[]; kubernetesVersion: string; signal: AbortSignal },
): Promise<string | null> {
  const { name, question, kubernetesVersion, signal } = options;
  const printed = await run(path, question, { signal }).catch((error: unknown) => {
    signal.throwIfAborted();
    return String((error as { shortMessage?: string }).shortMessage ?? error);
  });
  const version = /\bv\d+\.\d+\.\d+(?:[-+][\w.+-]+)?/.exec(printed)?.[0] ?? JSON.stringify(printed.slice(0, 40));
  return version === kubernetesVersion ? null : `${name} is ${version}, expected ${kubernetesVersion}`;
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

export async function checksumBinaries(dir: string, programs: readonly string[]): Promise<FileChecksum[]> {
  const checksums: FileChecksum[] = [];
  for (const name of programs) checksums.push({ name, ...(await checksumFile(join(dir, name))) });
  return checksums;
}

/** Writes `SHA256SUMS` in the format of sha256sum. */
export async function writeChecksums(dir: string, programs: readonly string[] = kubernetesPrograms): Promise<void> {
  const checksums = await checksumBinaries(dir, programs);
  const lines = checksums.map(({ name, sha256 }) => `${sha256}  ${name}\n`);
  await writeFile(join(dir, checksumsFile), lines.join(""));
}

/** Returns the text of the folder's `SHA256SUMS`; null if it is missing. */
export const readChecksums = (dir: string) => readFile(join(dir, checksumsFile), "utf8").catch(() => null);
