import { isSupportedKubernetes, supportedKubernetes } from "#api/kubernetes-version.ts";
import type { Architecture } from "../architecture.ts";
import { checkBinaries, kubernetesPrograms, nodePrograms, readChecksums } from "./binaries.ts";
import { locateKubernetes, type KubernetesOrigin } from "./origin.ts";
import { downloadRelease } from "./release.ts";
import { buildFromDebianSource } from "./source-build.ts";

export interface EnsureOptions {
  kubernetesVersion: string;
  cacheDir: string;
  architecture: Architecture;
  /** Authorities for a download, where they are not the host's own. */
  caBundle?: string;
  signal: AbortSignal;
  onDetail: (detail: string) => void;
}

/** The folder of checked programs. Throws BinariesError, or an Error where they cannot be built or downloaded. */
export async function ensureKubernetes(origin: KubernetesOrigin, options: EnsureOptions): Promise<string> {
  const { kubernetesVersion } = options;
  if (!isSupportedKubernetes(kubernetesVersion))
    throw new Error(`Cannot bake Kubernetes ${kubernetesVersion}: supported are ${supportedKubernetes}`);
  const dir = locateKubernetes(origin, options);
  // The checksums are written last: a folder with them is whole.
  if (origin.kind !== "binaries" && (await readChecksums(dir)) === null) {
    if (origin.kind === "release")
      await downloadRelease({ ...origin, ...options }, { ...origin, ...options, outDir: dir });
    else await buildFromDebianSource({ kubernetesVersion, outDir: dir }, options);
  }
  await checkBinaries(dir, { ...options, programs: programsOf(origin) });
  return dir;
}

export const programsOf = ({ kind }: KubernetesOrigin) => (kind === "release" ? nodePrograms : kubernetesPrograms);
