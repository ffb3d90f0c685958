#!/bin/sh
# Run by mmdebstrap in a root that the stand-ins for upstream's test images are based on.
# usage: debian-root.sh ROOT
set -eu

# Debian's busybox and dash hide variables whose names have a "-" from their children; upstream's busybox and bash do not.
ln -sf bash "$1/usr/bin/sh"

# What Debian's packages lack, such as wget and nslookup, is busybox's.
for name in $(chroot "$1" busybox --list); do
  chroot "$1" sh -c "command -v $name" >/dev/null || ln -s busybox "$1/usr/bin/$name"
done

# A test looks for this user and its groups (test/images/agnhost/Dockerfile).
chroot "$1" useradd --uid 1000 user-defined-in-image
chroot "$1" groupadd --gid 50000 group-defined-in-image
chroot "$1" gpasswd --add user-defined-in-image group-defined-in-image >/dev/null
