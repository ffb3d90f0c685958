import { z } from "zod";

export const KubernetesVersion = z.string().regex(/^v1\.\d{1,3}\.\d{1,3}$/, "must look like v1.20.2");

/** 20 of `v1.20.2`. */
export function kubernetesMinor(version: string): number {
  return Number(KubernetesVersion.parse(version).split(".")[1]);
}
