import { mkdir, rename, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Architecture } from "../architecture.ts";
import { lockBuild } from "../go/build-lock.ts";
import { buildPrograms } from "../go/build-programs.ts";
import { ensureGo } from "../go/ensure-go.ts";
import { checkBinaries, readChecksums, writeChecksums } from "../kubernetes/binaries.ts";
import type { CompileOptions } from "../kubernetes/compile.ts";
import type { KubernetesOrigin } from "../kubernetes/origin.ts";
import { probeUrl, type TransferOptions } from "../transfer.ts";
import { planRuntimeModules } from "./module-sets.ts";
import { checksumUrl, downloadRuntime, listReleaseArchives } from "./release-archives.ts";
import { locateRuntime, type RuntimeOrigin, type RuntimePlan } from "./runtime-origin.ts";

const answerSeconds = 5;

/** The folder of checked programs of the machine's runtime. Throws where they cannot be compiled or downloaded. */
export async function ensureRuntime(
  plan: RuntimePlan,
  origin: KubernetesOrigin,
  options: CompileOptions & Omit<TransferOptions, "signal">,
): Promise<string> {
  const { signal, onDetail, cacheDir } = options;
  const chosen = await chooseRuntimeOrigin(plan, origin, options);
  const dir = locateRuntime(chosen, { cacheDir, key: plan.key });
  if (chosen.kind === "binaries") {
    await checkBinaries(dir, { ...options, programs: plan.programs });
    return dir;
  }
  if ((await readChecksums(dir)) !== null) return dir;
  await mkdir(dirname(dir), { recursive: true });
  using locks = new DisposableStack();
  locks.use(await lockBuild(dir, { signal, onWait: () => onDetail("another process is at it; waiting") }));
  if ((await readChecksums(dir)) !== null) return dir;
  const partial = `${dir}.partial`;
  if (chosen.kind === "release") await downloadRuntime(plan, { ...options, ...chosen, outDir: partial });
  else await compileRuntime(plan, { ...options, outDir: partial });
  await checkBinaries(partial, { ...options, programs: plan.programs });
  await writeChecksums(partial, plan.programs);
  await rename(partial, dir);
  return dir;
}

/** Beside given programs where they are there too, else as Kubernetes' own, as far as that can be had. */
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
  // An archive's own address: a mirror need not answer at its root.
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

const isFile = (path: string) =>
  stat(path).then(
    (file) => file.isFile(),
    () => false,
  );
