#!/bin/sh
# containerd-in-rootfs.sh ROOTFS STORE WORK: containerd of a machine root, over a store that is not the machine's own.
# Run in a mount namespace of its own, which ends with it and takes the mounts along. WORK appears as /mnt inside.
set -eu
rootfs=$1 store=$2 work=$3
mount --bind "$rootfs" "$rootfs"
mount --bind "$store" "$rootfs/var/lib/containerd"
mount --bind "$work" "$rootfs/mnt"
mount -t proc proc "$rootfs/proc"
mount --rbind /sys "$rootfs/sys"
mount --rbind /dev "$rootfs/dev"
mount -t tmpfs tmpfs "$rootfs/run"
mount -t tmpfs tmpfs "$rootfs/tmp"
exec chroot "$rootfs" /usr/bin/containerd --config /mnt/containerd.toml
