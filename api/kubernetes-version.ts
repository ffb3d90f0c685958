import { KubernetesVersion } from "./name.ts";

/** How a claim was verified: by a bring-up here, against a published format, or not at all. */
type Verification = "run" | "contract-tested" | "unverified";

/** One minor version of Kubernetes, and the components that its kubeadm adds. */
export interface KubernetesRelease {
  minor: number;
  /** The default patch release of this minor version. */
  version: string;
  etcd: string;
  coredns: string;
  pause: string;
  containerd: string;
  verification: Verification;
}

/**
 * Every supported minor version, oldest first. etcd, CoreDNS and pause are those of kubeadm's own list
 * (`kubeadm config images list`); containerd is the newest release that supports the minor (containerd.io/releases).
 */
export const kubernetesReleases: readonly KubernetesRelease[] = [
  {
    minor: 34,
    version: "v1.34.4",
    etcd: "3.6.5",
    coredns: "1.12.1",
    pause: "3.10.1",
    containerd: "2.4.2",
    verification: "run",
  },
  {
    minor: 35,
    version: "v1.35.4",
    etcd: "3.6.6",
    coredns: "1.13.1",
    pause: "3.10.1",
    containerd: "2.4.2",
    verification: "run",
  },
  {
    minor: 36,
    version: "v1.36.3",
    etcd: "3.6.8",
    coredns: "1.14.2",
    pause: "3.10.2",
    containerd: "2.4.2",
    verification: "run",
  },
  {
    minor: 37,
    version: "v1.37.2",
    etcd: "3.7.0",
    coredns: "1.14.6",
    pause: "3.10.2",
    containerd: "2.4.2",
    verification: "run",
  },
];

const newestRelease = kubernetesReleases.at(-1) as KubernetesRelease;
const oldestMinor = Math.min(...kubernetesReleases.map(({ minor }) => minor));

export const defaultKubernetesVersion = newestRelease.version;

/** Supported minor versions, for messages. */
export const supportedKubernetes = kubernetesReleases.map(({ minor }) => `v1.${minor}.x`).join(", ");

/** 37 of `v1.37.2`. Throws ZodError for any other text. */
export const kubernetesMinor = (version: string): number => Number(KubernetesVersion.parse(version).split(".")[1]);

/** Undefined for a minor version that is not in the table. */
export const findRelease = (version: string): KubernetesRelease | undefined =>
  kubernetesReleases.find(({ minor }) => minor === kubernetesMinor(version));

/** A minor version newer than the table's may be tried; an older one, or another major, is refused. */
export const isSupportedKubernetes = (version: string): boolean =>
  version.startsWith("v1.") && kubernetesMinor(version) >= oldestMinor;

/** Warns of a version that is allowed but was never tried. Undefined for other versions. */
export function warnUnverified(version: string): string | undefined {
  if (!isSupportedKubernetes(version) || findRelease(version) !== undefined) return undefined;
  return `Kubernetes ${version} is unverified: newer than what was tried (${supportedKubernetes})`;
}

/** A version that clusters and images may have. */
export const SupportedKubernetesVersion = KubernetesVersion.refine(isSupportedKubernetes, {
  error: `a version of ${supportedKubernetes}, or newer`,
  when: ({ issues }) => issues.length === 0,
});
