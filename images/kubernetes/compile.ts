import { join } from "node:path";
import type { Architecture } from "#lib/architecture.ts";
import { ensureHostPackages } from "../debian/host-packages.ts";
import { ensureGo } from "../go/ensure-go.ts";
import { buildPrograms } from "../go/build-programs.ts";
import { run } from "#lib/run.ts";
import { planKubernetesModule, type KubernetesModule } from "./module-sets.ts";

export interface CompileOptions {
  cacheDir: string;
  /** The environment's `GO`. */
  go?: string | undefined;
  architecture: Architecture;
  signal: AbortSignal;
  onDetail: (detail: string) => void;
}

/** Packages that compile pause, the only program in C. */
const pausePackages = ["gcc", "libc6-dev"];

/** Compiles the programs of Kubernetes, etcd and CoreDNS that `outDir` lacks. Throws GoError. */
export async function compileKubernetes(
  kubernetesVersion: string,
  { outDir, ...options }: CompileOptions & { outDir: string },
): Promise<void> {
  const { onDetail, signal } = options;
  onDetail("Go");
  const go = await ensureGo(options);
  onDetail(`modules of Kubernetes ${kubernetesVersion}`);
  const module = await planKubernetesModule(kubernetesVersion, { go, signal });
  for (const set of [module.set, ...module.apart]) await buildPrograms(set, outDir, { go, signal, onDetail });
  await compilePause(module, { outDir, signal });
}

/** Compiles pause as build/pause/Makefile does. */
async function compilePause(
  { dir, pause }: KubernetesModule,
  { outDir, signal }: { outDir: string; signal: AbortSignal },
) {
  await ensureHostPackages(pausePackages, { signal });
  const flags = ["-Os", "-Wall", "-Werror", "-static", "-s", `-DVERSION=v${pause}`];
  await run("gcc", [...flags, "-o", join(outDir, "pause"), join(dir, "build/pause/linux/pause.c")], { signal });
}
