import { isSupportedKubernetes, supportedKubernetes } from "#api/kubernetes-version.ts";
import { checkBinaries, kubernetesPrograms, nodePrograms } from "./binaries.ts";
import { compileKubernetes, type CompileOptions } from "./compile.ts";
import { ensurePrograms } from "./ensure-programs.ts";
import { locateKubernetes, type KubernetesOrigin } from "./origin.ts";
import { downloadRelease } from "./release.ts";

interface EnsureOptions extends CompileOptions {
  kubernetesVersion: string;
  /** Authorities for a download, if they are not the host's. */
  caBundle?: string;
}

/**
 * Returns the folder of checked programs. Throws BinariesError, or another Error if they cannot be compiled or
 * downloaded.
 */
export async function ensureKubernetes(origin: KubernetesOrigin, options: EnsureOptions): Promise<string> {
  const { kubernetesVersion } = options;
  if (!isSupportedKubernetes(kubernetesVersion))
    throw new Error(`Cannot bake Kubernetes ${kubernetesVersion}: Sprout supports ${supportedKubernetes}`);
  const dir = locateKubernetes(origin, options);
  const required = { ...options, programs: programsOf(origin) };
  if (origin.kind === "binaries") await checkBinaries(dir, required);
  else
    await ensurePrograms(dir, required, (outDir) =>
      origin.kind === "release"
        ? downloadRelease({ ...origin, ...options }, { ...origin, ...options, outDir })
        : compileKubernetes(kubernetesVersion, { ...options, outDir }),
    );
  return dir;
}

export const programsOf = ({ kind }: KubernetesOrigin): readonly string[] =>
  kind === "release" ? nodePrograms : kubernetesPrograms;
