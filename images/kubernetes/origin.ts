import { join } from "node:path";
import { officialReleaseUrl } from "./release.ts";

/** Where the programs and the container images of one Kubernetes version come from. */
export type KubernetesOrigin =
  | { kind: "debian-source" }
  | { kind: "binaries"; dir: string }
  | {
      kind: "release";
      releaseUrl: string;
      /** As kubeadm's `imageRepository`: where images are pulled from, and what the cluster calls them by. */
      imageRepository?: string;
      /** Authority of the mirror or of the proxy, PEM. */
      caFile?: string;
      /** Registry credentials, as in containers-auth.json(5) or Docker's config.json. */
      registryAuthFile?: string;
      allowPlainHttp?: boolean;
    };

export interface OriginFlags {
  kubernetesVersion: string;
  kubernetesBinaries?: string | undefined;
  kubernetesReleaseUrl?: string | undefined;
  imageRepository?: string | undefined;
  caFile?: string | undefined;
  registryAuthFile?: string | undefined;
  allowPlainHttp?: boolean | undefined;
}

/** The one version that Debian 12 has the whole source of. */
const debianVersion = "v1.20.2";

/**
 * A given folder, else Debian's source where it is of this version and no release is asked for, else the official
 * release. Throws where a folder and a release are asked for at once.
 */
export function toKubernetesOrigin(flags: OriginFlags): KubernetesOrigin {
  const { kubernetesBinaries, kubernetesReleaseUrl, imageRepository } = flags;
  const askedForRelease = kubernetesReleaseUrl !== undefined || imageRepository !== undefined;
  if (kubernetesBinaries !== undefined) {
    if (!askedForRelease) return { kind: "binaries", dir: kubernetesBinaries };
    throw new Error(
      "Cannot take Kubernetes from two places: give --kubernetes-binaries, or --kubernetes-release-url and --image-repository",
    );
  }
  if (flags.kubernetesVersion === debianVersion && !askedForRelease) return { kind: "debian-source" };
  return {
    kind: "release",
    releaseUrl: kubernetesReleaseUrl ?? officialReleaseUrl,
    ...(imageRepository === undefined ? {} : { imageRepository: imageRepository.replace(/\/+$/, "") }),
    ...(flags.caFile === undefined ? {} : { caFile: flags.caFile }),
    ...(flags.registryAuthFile === undefined ? {} : { registryAuthFile: flags.registryAuthFile }),
    ...(flags.allowPlainHttp === undefined ? {} : { allowPlainHttp: flags.allowPlainHttp }),
  };
}

/** Where the programs are, or will be once they are built or downloaded. */
export function locateKubernetes(
  origin: KubernetesOrigin,
  { cacheDir, kubernetesVersion }: { cacheDir: string; kubernetesVersion: string },
): string {
  if (origin.kind === "binaries") return origin.dir;
  return join(cacheDir, origin.kind === "release" ? "kubernetes-release" : "kubernetes", kubernetesVersion);
}
