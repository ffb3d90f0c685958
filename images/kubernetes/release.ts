import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Architecture } from "#lib/architecture.ts";
import { DownloadError, type TransferOptions } from "../transfer.ts";
import { downloadVerified } from "../verified-download.ts";
import { nodePrograms } from "./binaries.ts";

export const officialReleaseUrl = "https://dl.k8s.io/release";

interface Release {
  kubernetesVersion: string;
  /** URL of the folder with `vX.Y.Z/bin/linux/ARCHITECTURE/PROGRAM` and `….sha256`. */
  releaseUrl: string;
  architecture: Architecture;
}

/**
 * Downloads kubeadm, kubectl and kubelet into `outDir` and compares each with its published checksum. Resumes an
 * interrupted download. Throws DownloadError or ChecksumError. Checksums come from the same site as the programs: they
 * detect a damaged copy, and TLS proves whose copy it is.
 */
export async function downloadRelease(
  release: Release,
  { outDir, onDetail, ...transfer }: TransferOptions & { outDir: string; onDetail: (detail: string) => void },
): Promise<void> {
  const { kubernetesVersion, architecture } = release;
  const base = `${release.releaseUrl.replace(/\/+$/, "")}/${kubernetesVersion}/bin/linux/${architecture.debian}`;
  await mkdir(outDir, { recursive: true });
  for (const name of nodePrograms) {
    onDetail(`${name} ${kubernetesVersion}`);
    const [url, file] = [`${base}/${name}`, join(outDir, name)];
    await downloadVerified({ url, checksumUrl: `${url}.sha256` }, file, transfer).catch((error: unknown) => {
      throw explain(error, release);
    });
    await chmod(file, 0o755);
  }
}

/** Explains a missing checksum of kubeadm: the release lacks the whole version. Returns other errors as they are. */
function explain(error: unknown, { kubernetesVersion, releaseUrl }: Release): unknown {
  if (!(error instanceof DownloadError) || error.problem !== "not-found") return error;
  return new Error(
    `Cannot download Kubernetes ${kubernetesVersion}: ${releaseUrl} lacks it (no ${error.url}); choose a released version`,
    { cause: error },
  );
}
