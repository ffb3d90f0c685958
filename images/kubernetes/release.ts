import { createReadStream } from "node:fs";
import { chmod, mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Architecture } from "../architecture.ts";
import { download, DownloadError, type TransferOptions } from "../transfer.ts";
import { checksumFile, nodePrograms, writeChecksums } from "./binaries.ts";

export const officialReleaseUrl = "https://dl.k8s.io/release";

export interface Release {
  kubernetesVersion: string;
  /** Where `vX.Y.Z/bin/linux/ARCHITECTURE/PROGRAM` and `….sha256` are. */
  releaseUrl: string;
  architecture: Architecture;
}

/** A program that is not what the release says it is. */
export class ChecksumError extends Error {
  override name = "ChecksumError";
}

/**
 * Downloads kubeadm, kubectl and kubelet into `outDir`, which appears when all are there and have the published
 * checksums. A download that was cut off goes on where it ended. Throws DownloadError or ChecksumError.
 * The checksums come from the same place as the programs: they show a broken copy, and TLS shows whose copy it is.
 */
export async function downloadRelease(
  release: Release,
  { outDir, onDetail, ...transfer }: TransferOptions & { outDir: string; onDetail: (detail: string) => void },
): Promise<void> {
  const { kubernetesVersion, architecture } = release;
  const base = `${release.releaseUrl.replace(/\/+$/, "")}/${kubernetesVersion}/bin/linux/${architecture.debian}`;
  // Of a fixed name, so that the next run finds what there is.
  const partialDir = `${outDir}.partial`;
  await mkdir(partialDir, { recursive: true });
  for (const name of nodePrograms) {
    onDetail(`${name} ${kubernetesVersion}`);
    await downloadProgram(`${base}/${name}`, join(partialDir, name), transfer).catch((error: unknown) => {
      throw explain(error, release);
    });
  }
  await writeChecksums(partialDir, nodePrograms);
  await rename(partialDir, outDir);
}

async function downloadProgram(url: string, file: string, transfer: TransferOptions): Promise<void> {
  const wanted = await fetchChecksum(`${url}.sha256`, `${file}.sha256`, transfer);
  const kept = await checksumOf(file);
  if (kept !== wanted) {
    await download(url, file, transfer);
    // What was continued may be the start of another file, as of a mirror used before.
    if (kept !== null && (await checksumOf(file)) !== wanted) {
      await rm(file);
      await download(url, file, transfer);
    }
    await verify(url, file, wanted);
  }
  await chmod(file, 0o755);
}

async function verify(url: string, file: string, wanted: string): Promise<void> {
  const { sha256 } = await checksumFile(file);
  if (sha256 === wanted) return;
  const page = await looksLikePage(file);
  await rm(file);
  throw new ChecksumError(
    page
      ? `Cannot use ${url}: a web page came in its place, perhaps a proxy's; nothing of it was kept`
      : `Cannot use ${url}: its SHA-256 is ${sha256}, published is ${wanted}; nothing of it was kept, try again or use another mirror`,
  );
}

const checksumOf = async (file: string): Promise<string | null> =>
  checksumFile(file).then(
    ({ sha256 }) => sha256,
    () => null,
  );

async function fetchChecksum(url: string, file: string, transfer: TransferOptions): Promise<string> {
  await rm(file, { force: true });
  await download(url, file, transfer);
  const answer = await readFile(file, "utf8");
  await rm(file);
  const sha256 = /^([0-9a-f]{64})\b/.exec(answer)?.[1];
  if (sha256 !== undefined) return sha256;
  throw new ChecksumError(
    `Cannot use ${url}: it is no SHA-256, it begins with ${JSON.stringify(answer.slice(0, 40))}; is a proxy or a login page in between`,
  );
}

const looksLikePage = async (file: string) =>
  /^\s*</.test(await text(createReadStream(file, { encoding: "latin1", end: 63 })));

/** Where even kubeadm's checksum is missing, the version is. */
function explain(error: unknown, { kubernetesVersion, releaseUrl }: Release): unknown {
  if (!(error instanceof DownloadError) || error.problem !== "not-found") return error;
  return new Error(
    `Cannot download Kubernetes ${kubernetesVersion}: ${releaseUrl} does not have it (no ${error.url}); choose a released version`,
    { cause: error },
  );
}
