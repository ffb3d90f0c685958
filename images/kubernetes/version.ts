import { KubernetesVersion } from "#api/name.ts";

/** 20 of `v1.20.2`. */
export function kubernetesMinor(version: string): number {
  return Number(KubernetesVersion.parse(version).split(".")[1]);
}
