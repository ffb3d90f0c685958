import { join } from "node:path";
import type { Architecture } from "../architecture.ts";
import { checkBinaries, readChecksums } from "./binaries.ts";
import { buildFromDebianSource } from "./source-build.ts";

export interface KubernetesSource {
  kubernetesVersion: string;
  cacheDir: string;
  /** Folder of ready-made binaries; without it they are built once and cached. */
  kubernetesBinaries?: string;
}

/** Where the binaries are, or will be once they are built. */
export const locateKubernetes = ({ kubernetesBinaries, cacheDir, kubernetesVersion }: KubernetesSource) =>
  kubernetesBinaries ?? join(cacheDir, "kubernetes", kubernetesVersion);

/** The folder of checked binaries. Throws BinariesError, or an Error where they cannot be built. */
export async function ensureKubernetes(
  source: KubernetesSource & { architecture: Architecture; signal: AbortSignal; onDetail: (detail: string) => void },
): Promise<string> {
  const dir = locateKubernetes(source);
  // The checksums are written last: a folder with them is a whole build.
  if (source.kubernetesBinaries === undefined && (await readChecksums(dir)) === null)
    await buildFromDebianSource({ kubernetesVersion: source.kubernetesVersion, outDir: dir }, source);
  await checkBinaries(dir, source);
  return dir;
}
