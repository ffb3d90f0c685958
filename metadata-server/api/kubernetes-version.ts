import { KubernetesVersion } from "./name.ts";

/** What kubeadm's v1beta2 (1.20) and v1beta4 (from 1.31 on) serve; between them nothing is supported. */
export const supportedKubernetes = "v1.20.x, v1.31.x and newer";

/** 20 of `v1.20.2`. Throws where it is not a version. */
export const kubernetesMinor = (version: string): number => Number(KubernetesVersion.parse(version).split(".")[1]);

export function isSupportedKubernetes(version: string): boolean {
  const minor = kubernetesMinor(version);
  return version.startsWith("v1.") && (minor === 20 || minor >= 31);
}
