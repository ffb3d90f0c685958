#!/bin/sh
# squash-layers.sh ROOTFS LAYER FILE OPTION…: packs LAYER over ROOTFS as one squashfs. Options are mksquashfs's.
# Runs in a private mount namespace, so the mounts end with it.
# lz4 starts a machine two seconds sooner than zstd. The machine root needs no extended attributes.
set -eu
rootfs=$1 layer=$2 file=$3
shift 3
mkdir "$layer.merged"
mount -t overlay -o ro,lowerdir="$layer:$rootfs" overlay "$layer.merged"
exec mksquashfs "$layer.merged" "$file" -comp lz4 -no-xattrs -no-progress -quiet -all-time 1577836800 -mkfs-time 1577836800 "$@"
