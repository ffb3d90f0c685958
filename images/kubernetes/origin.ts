import { join } from "node:path";
import { officialReleaseUrl } from "./release.ts";

/** Values of `--kubernetes-source`: `auto` is the official release if it answers, else the modules. */
export const kubernetesSources = ["auto", "release", "modules"] as const;
type KubernetesSource = (typeof kubernetesSources)[number];

/** How programs and images are downloaded, from the official sites or from mirrors. */
export interface ReleaseSettings {
  releaseUrl: string;
  /** A mirror of https://github.com, where containerd, crictl and the CNI plugins are released. */
  githubUrl: string;
  /** kubeadm's `imageRepository`: where images are pulled from, and the prefix of their names in the cluster. */
  imageRepository?: string;
  /** PEM file with the authority of the mirror or of the proxy. */
  caFile?: string;
  /** Registry credentials, as in containers-auth.json(5) or Docker's config.json. */
  registryAuthFile?: string;
  allowPlainHttp?: boolean;
}

/** Where the programs and the container images of one Kubernetes version come from. */
export type KubernetesOrigin =
  | { kind: "binaries"; dir: string }
  /** Compiled here from Go modules. */
  | { kind: "modules" }
  | ({ kind: "release" } & ReleaseSettings);

export interface OriginFlags {
  kubernetesVersion: string;
  kubernetesSource?: KubernetesSource | undefined;
  kubernetesBinaries?: string | undefined;
  kubernetesReleaseUrl?: string | undefined;
  githubUrl?: string | undefined;
  imageRepository?: string | undefined;
  caFile?: string | undefined;
  registryAuthFile?: string | undefined;
  allowPlainHttp?: boolean | undefined;
}

/**
 * Returns the origin that the flags choose, or `auto`, which is decided later. Throws if the flags name two sources.
 */
export function toKubernetesOrigin(flags: OriginFlags): KubernetesOrigin | { kind: "auto"; release: ReleaseSettings } {
  const { kubernetesBinaries, kubernetesReleaseUrl, imageRepository } = flags;
  const mirrors = [
    ...(kubernetesReleaseUrl === undefined ? [] : ["--kubernetes-release-url"]),
    ...(imageRepository === undefined ? [] : ["--image-repository"]),
  ];
  const source = flags.kubernetesSource ?? (mirrors.length > 0 ? "release" : "auto");
  if (kubernetesBinaries !== undefined) {
    const others = [...(flags.kubernetesSource === undefined ? [] : ["--kubernetes-source"]), ...mirrors];
    if (others.length === 0) return { kind: "binaries", dir: kubernetesBinaries };
    throw new Error(`Cannot take Kubernetes from two sources: --kubernetes-binaries excludes ${others.join(", ")}`);
  }
  if (source === "modules") {
    if (mirrors.length === 0) return { kind: "modules" };
    throw new Error(
      `Cannot take Kubernetes from two sources: --kubernetes-source modules excludes ${mirrors.join(", ")}`,
    );
  }
  const release: ReleaseSettings = {
    releaseUrl: kubernetesReleaseUrl ?? officialReleaseUrl,
    githubUrl: flags.githubUrl ?? "https://github.com",
    ...(imageRepository === undefined ? {} : { imageRepository: imageRepository.replace(/\/+$/, "") }),
    ...(flags.caFile === undefined ? {} : { caFile: flags.caFile }),
    ...(flags.registryAuthFile === undefined ? {} : { registryAuthFile: flags.registryAuthFile }),
    ...(flags.allowPlainHttp === undefined ? {} : { allowPlainHttp: flags.allowPlainHttp }),
  };
  return source === "auto" ? { kind: "auto", release } : { kind: "release", ...release };
}

/** Returns the folder where the programs are, or will be once they are compiled or downloaded. */
export function locateKubernetes(
  origin: KubernetesOrigin,
  { cacheDir, kubernetesVersion }: { cacheDir: string; kubernetesVersion: string },
): string {
  if (origin.kind === "binaries") return origin.dir;
  return join(cacheDir, origin.kind === "release" ? "kubernetes-release" : "kubernetes-modules", kubernetesVersion);
}
