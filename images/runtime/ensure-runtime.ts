import { join } from "node:path";
import type { Architecture } from "#lib/architecture.ts";
import { isFile } from "#lib/files.ts";
import { buildPrograms } from "../go/build-programs.ts";
import { ensureGo } from "../go/ensure-go.ts";
import { checkBinaries, readChecksums } from "../kubernetes/binaries.ts";
import type { CompileOptions } from "../kubernetes/compile.ts";
import { ensurePrograms } from "../kubernetes/ensure-programs.ts";
import type { KubernetesOrigin } from "../kubernetes/origin.ts";
import { probeUrl, type TransferOptions } from "../transfer.ts";
import { planRuntimeModules } from "./module-sets.ts";
import { checksumUrl, downloadRuntime, listReleaseArchives } from "./release-archives.ts";
import { locateRuntime, type RuntimeOrigin, type RuntimePlan } from "./runtime-origin.ts";

const answerSeconds = 5;

/** Returns the folder of the runtime's checked programs. Throws if they cannot be compiled or downloaded. */
export async function ensureRuntime(
  plan: RuntimePlan,
  origin: KubernetesOrigin,
  options: CompileOptions & Omit<TransferOptions, "signal">,
): Promise<string> {
  const chosen = await chooseRuntimeOrigin(plan, origin, options);
  const dir = locateRuntime(chosen, { cacheDir: options.cacheDir, key: plan.key });
  const required = { ...options, programs: plan.programs };
  if (chosen.kind === "binaries") await checkBinaries(dir, required);
  else
    await ensurePrograms(dir, required, (outDir) =>
      chosen.kind === "release"
        ? downloadRuntime(plan, { ...options, ...chosen, outDir })
        : compileRuntime(plan, { ...options, outDir }),
    );
  return dir;
}

/** Chooses the given folder if it has the runtime's programs, too, else Kubernetes' origin if that is available. */
export async function chooseRuntimeOrigin(
  plan: RuntimePlan,
  origin: KubernetesOrigin,
  options: { cacheDir: string; architecture: Architecture; caBundle?: string; signal: AbortSignal },
): Promise<RuntimeOrigin> {
  const { cacheDir, architecture, caBundle, signal } = options;
  if (origin.kind === "modules") return origin;
  if (origin.kind === "binaries" && (await isFile(join(origin.dir, "crictl")))) return origin;
  const githubUrl = origin.kind === "release" ? origin.githubUrl : "https://github.com";
  const candidates: RuntimeOrigin[] = [{ kind: "release", githubUrl }, { kind: "modules" }];
  for (const candidate of candidates)
    if ((await readChecksums(locateRuntime(candidate, { cacheDir, key: plan.key }))) !== null) return candidate;
  // Probes an archive's URL, because a mirror need not answer at its root.
  const [archive] = listReleaseArchives(plan, architecture);
  const url = archive === undefined ? githubUrl : checksumUrl(githubUrl, archive);
  const problem = await probeUrl(url, { seconds: answerSeconds, caFile: caBundle, signal });
  return problem === undefined ? { kind: "release", githubUrl } : { kind: "modules" };
}

async function compileRuntime(
  { containerd, programs }: RuntimePlan,
  { outDir, ...options }: CompileOptions & { outDir: string },
): Promise<void> {
  const { signal, onDetail } = options;
  const go = await ensureGo(options);
  onDetail("modules of containerd, crictl and the CNI plugins");
  const modules = await planRuntimeModules(containerd, { go, signal });
  for (const { set } of modules) {
    const wanted = Object.entries(set.programs).filter(([name]) => programs.includes(name));
    await buildPrograms({ ...set, programs: Object.fromEntries(wanted) }, outDir, { go, signal, onDetail });
  }
}
