#!/bin/sh
# containerd-in-rootfs.sh ROOTFS STORE WORK: runs a machine root's containerd on another store. WORK is /mnt inside.
# Runs in a private mount namespace, so the mounts end with it.
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
