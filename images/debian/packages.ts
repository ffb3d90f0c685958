import type { ContainerdFlavour } from "../runtime/runtime-origin.ts";
import type { DebianRelease } from "./sources.ts";

/** What a machine is made of, beside Debian's own essential packages. Recommended packages are left out. */
const commonPackages: readonly string[] = [
  "systemd",
  "systemd-sysv",
  "runc",
  "ca-certificates",
  // In place of usrmerge, which needs perl: 46 MB for a script that has nothing to do here.
  "usr-is-merged",
  // What an installation to a disk runs. fdisk marks the partition that BIOS boots from: systemd-repart cannot.
  "e2fsprogs",
  "fdisk",
  // What kubeadm's preflight and the kubelet look for.
  "conntrack",
  "ethtool",
  "iproute2",
  "iptables",
  "kmod",
  "mount",
  "procps",
  "socat",
  "util-linux",
  // What the bootstrapper, a Node single executable, is linked with.
  "libatomic1",
  "libstdc++6",
];

/** Which system a machine has, and whose containerd. */
export interface DebianChoice {
  release: DebianRelease;
  containerd: ContainerdFlavour;
}

/** Everything that Debian brings to a machine; its containerd only where that is asked for. */
export const listMachinePackages = ({ release, containerd }: DebianChoice): readonly string[] => [
  ...commonPackages,
  // In Debian 12's systemd.
  ...(release === "12" ? [] : ["systemd-repart"]),
  ...(containerd === "debian" ? ["containerd"] : []),
];

/** Unpacked for the container images only; no machine has them. */
export const containerPackages: readonly string[] = ["busybox"];

/**
 * Debian's flavour for virtual machines and clouds: small, with the drivers of Amazon, Google, Hyper-V, Mellanox and Intel's
 * virtual functions, and virtio. Servers mostly need `linux-image-amd64`.
 */
export const defaultKernelPackage = (architecture: string) => `linux-image-cloud-${architecture}`;

/**
 * What a machine that boots over the network or from its own disk needs beside its root and its kernel: one program for its
 * first moments, and boot loaders for disks: UEFI's, and where there is BIOS, its own.
 */
export const networkBootPackages = (architecture: string, kernel: string) => ({
  kernel,
  others: ["busybox-static", "systemd-boot-efi", ...(architecture === "amd64" ? ["syslinux-common"] : [])],
});

/** Of the host, while network boot files are made. */
export const networkBootHostPackages = (architecture: string): readonly string[] => [
  "cpio",
  "dosfstools",
  "kmod",
  "mtools",
  "squashfs-tools",
  "xz-utils",
  ...(architecture === "amd64" ? ["syslinux"] : []),
];
