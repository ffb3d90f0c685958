import { join } from "node:path";
import { officialReleaseUrl } from "./release.ts";

/** `--kubernetes-source`: `auto` is the official release where it answers, else the modules. */
export const kubernetesSources = ["auto", "release", "modules"] as const;
export type KubernetesSource = (typeof kubernetesSources)[number];

/** How programs and images are downloaded, from the official places or from mirrors of them. */
export interface ReleaseSettings {
  releaseUrl: string;
  /** A mirror of https://github.com, where containerd, crictl and the CNI plugins are released. */
  githubUrl: string;
  /** As kubeadm's `imageRepository`: where images are pulled from, and what the cluster calls them by. */
  imageRepository?: string;
  /** Authority of the mirror or of the proxy, PEM. */
  caFile?: string;
  /** Registry credentials, as in containers-auth.json(5) or Docker's config.json. */
  registryAuthFile?: string;
  allowPlainHttp?: boolean;
}

/** Where the programs and the container images of one Kubernetes version come from. */
export type KubernetesOrigin =
  | { kind: "binaries"; dir: string }
  /** Compiled here, of Go modules. */
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

/** What the flags decide: an origin, or both that `auto` chooses between. Throws where two places are asked for at once. */
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
    throw new Error(`Cannot take Kubernetes from two places: --kubernetes-binaries excludes ${others.join(", ")}`);
  }
  if (source === "modules") {
    if (mirrors.length === 0) return { kind: "modules" };
    throw new Error(
      `Cannot take Kubernetes from two places: --kubernetes-source modules excludes ${mirrors.join(", ")}`,
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

/** Where the programs are, or will be once they are compiled or downloaded. */
export function locateKubernetes(
  origin: KubernetesOrigin,
  { cacheDir, kubernetesVersion }: { cacheDir: string; kubernetesVersion: string },
): string {
  if (origin.kind === "binaries") return origin.dir;
  return join(cacheDir, origin.kind === "release" ? "kubernetes-release" : "kubernetes-modules", kubernetesVersion);
}
