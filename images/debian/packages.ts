import type { ContainerdFlavour } from "../runtime/runtime-origin.ts";
import type { DebianRelease } from "./sources.ts";

/** A machine's packages, in addition to Debian's essential ones. Recommended packages are left out. */
const commonPackages: readonly string[] = [
  "systemd",
  "systemd-sysv",
  "runc",
  "ca-certificates",
  // Instead of usrmerge, whose script has nothing to do here but needs perl: 46 MB.
  "usr-is-merged",
  // For the installation to a disk. fdisk marks the partition that BIOS boots from; systemd-repart cannot.
  "e2fsprogs",
  "fdisk",
  // kubeadm's preflight and the kubelet check for these.
  "conntrack",
  "ethtool",
  "iproute2",
  "iptables",
  "kmod",
  "mount",
  "procps",
  "socat",
  "util-linux",
  // Leads workers to any API server of several.
  "haproxy",
  // Moves a virtual address among control planes.
  "keepalived",
  // The bootstrapper, a Node single executable, is linked with it.
  "libatomic1",
  "libstdc++6",
];

/** A machine's Debian release, and who built its containerd. */
export interface DebianChoice {
  release: DebianRelease;
  containerd: ContainerdFlavour;
}

/** Lists all of a machine's Debian packages, with containerd only if Debian's is chosen. */
export const listMachinePackages = ({ release, containerd }: DebianChoice): readonly string[] => [
  ...commonPackages,
  // Part of the package systemd in Debian 12.
  ...(release === "12" ? [] : ["systemd-repart"]),
  ...(containerd === "debian" ? ["containerd"] : []),
];

/** Packages for the container images only; no machine has them. */
export const containerPackages: readonly string[] = ["busybox"];

/**
 * Debian's kernel for virtual machines and clouds: small, with the drivers of Amazon, Google, Hyper-V, Mellanox and
 * Intel's virtual functions, and virtio. Most servers need `linux-image-amd64`.
 */
export const defaultKernelPackage = (architecture: string) => `linux-image-cloud-${architecture}`;

/**
 * Packages of a machine that boots over the network or from its disk, in addition to its root: the kernel, one program
 * for the initrd, and boot loaders for UEFI and, on architectures that have it, BIOS.
 */
export const networkBootPackages = (architecture: string, kernel: string) => ({
  kernel,
  others: ["busybox-static", "systemd-boot-efi", ...(architecture === "amd64" ? ["syslinux-common"] : [])],
});

/** Packages that the host needs to make network boot files. */
export const networkBootHostPackages = (architecture: string): readonly string[] => [
  "cpio",
  "dosfstools",
  "kmod",
  "mtools",
  "squashfs-tools",
  "xz-utils",
  ...(architecture === "amd64" ? ["syslinux"] : []),
];
