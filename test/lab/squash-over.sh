#!/bin/sh
# squash-over.sh IMAGE ROOTFS FILE EXCLUDED…: ROOTFS over the squashfs IMAGE as one squashfs, without the excluded files.
# Run in a new mount namespace, which ends with the script and removes the mounts.
set -eu
image=$1 rootfs=$2 file=$3
shift 3
mkdir "$file.image" "$file.merged"
mount -t squashfs -o loop,ro "$image" "$file.image"
mount -t overlay -o ro,lowerdir="$rootfs:$file.image" overlay "$file.merged"
exec mksquashfs "$file.merged" "$file" -comp lz4 -no-xattrs -no-progress -quiet -e "$@"
