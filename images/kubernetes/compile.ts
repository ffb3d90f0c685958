import { join } from "node:path";
import type { Architecture } from "../architecture.ts";
import { ensureHostPackages } from "../debian/host-packages.ts";
import { ensureGo } from "../go/ensure-go.ts";
import { buildPrograms } from "../go/build-programs.ts";
import { run } from "../../metadata-server/run.ts";
import { planKubernetesModule, type KubernetesModule } from "./module-sets.ts";

export interface CompileOptions {
  cacheDir: string;
  /** The environment's `GO`. */
  go?: string | undefined;
  architecture: Architecture;
  signal: AbortSignal;
  onDetail: (detail: string) => void;
}

/** pause is the one program in C. */
const pausePackages = ["gcc", "libc6-dev"];

/** Compiles every program of Kubernetes, etcd and CoreDNS into `outDir`, those that are there left out. Throws GoError. */
export async function compileKubernetes(
  kubernetesVersion: string,
  { outDir, ...options }: CompileOptions & { outDir: string },
): Promise<void> {
  const { onDetail, signal } = options;
  onDetail("Go");
  const go = await ensureGo(options);
  onDetail(`modules of Kubernetes ${kubernetesVersion}`);
  const module = await planKubernetesModule(kubernetesVersion, { go, signal });
  await buildPrograms(module.set, outDir, { go, signal, onDetail });
  await compilePause(module, { outDir, signal });
}

/** As build/pause/Makefile does it. */
async function compilePause(
  { dir, pause }: KubernetesModule,
  { outDir, signal }: { outDir: string; signal: AbortSignal },
) {
  await ensureHostPackages(pausePackages, { signal });
  const flags = ["-Os", "-Wall", "-Werror", "-static", "-s", `-DVERSION=v${pause}`];
  await run("gcc", [...flags, "-o", join(outDir, "pause"), join(dir, "build/pause/linux/pause.c")], { signal });
}
