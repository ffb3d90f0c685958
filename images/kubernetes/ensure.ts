import { mkdir, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { isSupportedKubernetes, supportedKubernetes } from "#api/kubernetes-version.ts";
import { lockBuild } from "../go/build-lock.ts";
import { checkBinaries, kubernetesPrograms, nodePrograms, readChecksums, writeChecksums } from "./binaries.ts";
import { compileKubernetes, type CompileOptions } from "./compile.ts";
import { locateKubernetes, type KubernetesOrigin } from "./origin.ts";
import { downloadRelease } from "./release.ts";

export interface EnsureOptions extends CompileOptions {
  kubernetesVersion: string;
  /** Authorities for a download, where they are not the host's own. */
  caBundle?: string;
}

/** The folder of checked programs. Throws BinariesError, or an Error where they cannot be compiled or downloaded. */
export async function ensureKubernetes(origin: KubernetesOrigin, options: EnsureOptions): Promise<string> {
  const { kubernetesVersion, onDetail, signal } = options;
  if (!isSupportedKubernetes(kubernetesVersion))
    throw new Error(`Cannot bake Kubernetes ${kubernetesVersion}: supported are ${supportedKubernetes}`);
  const dir = locateKubernetes(origin, options);
  if (origin.kind === "binaries" || (await readChecksums(dir)) === null) {
    await mkdir(dirname(dir), { recursive: true });
    using locks = new DisposableStack();
    locks.use(await lockBuild(dir, { signal, onWait: () => onDetail("another process is at it; waiting") }));
    if (origin.kind !== "binaries" && (await readChecksums(dir)) === null) await fetchPrograms(origin, dir, options);
    await checkBinaries(dir, { ...options, programs: programsOf(origin) });
  }
  return dir;
}

export const programsOf = ({ kind }: KubernetesOrigin): readonly string[] =>
  kind === "release" ? nodePrograms : kubernetesPrograms;

/** The folder appears when it is whole. */
async function fetchPrograms(
  origin: Exclude<KubernetesOrigin, { kind: "binaries" }>,
  dir: string,
  options: EnsureOptions,
): Promise<void> {
  if (origin.kind === "release")
    return downloadRelease({ ...origin, ...options }, { ...origin, ...options, outDir: dir });
  const { kubernetesVersion } = options;
  // Of a fixed name, so that the next run goes on with what there is.
  const partial = `${dir}.partial`;
  await compileKubernetes(kubernetesVersion, { ...options, outDir: partial });
  await checkBinaries(partial, { ...options, programs: kubernetesPrograms });
  await writeChecksums(partial);
  await rename(partial, dir);
}
