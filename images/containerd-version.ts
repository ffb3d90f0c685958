import { kubernetesMinor } from "#api/kubernetes-version.ts";
import type { DebianPackage } from "./debian/apt.ts";

/** From 1.36 on kubelet asks the runtime for its cgroup driver, which containerd answers from 2.0 on (KEP-4033). */
const lastMinorOnContainerd1 = 35;

/** Throws where this containerd cannot serve this Kubernetes. */
export function checkContainerd(kubernetesVersion: string, packages: readonly DebianPackage[]): void {
  const version = packages.find(({ name }) => name === "containerd")?.version ?? "";
  if (kubernetesMinor(kubernetesVersion) <= lastMinorOnContainerd1 || !version.startsWith("1.")) return;
  throw new Error(
    `Cannot bake Kubernetes ${kubernetesVersion}: it needs containerd 2, Debian's is ${version}; choose v1.${lastMinorOnContainerd1}.x or older`,
  );
}
