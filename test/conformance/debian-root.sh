#!/bin/sh
# Run by mmdebstrap in a root that the stand-ins for upstream's test images are based on.
# usage: debian-root.sh ROOT
set -eu

# One test recognises busybox' shell by its messages, and starts it by its path. Others start the first shell in the PATH
# and need variables with a "-" in their names in children, which bash exports and Debian's busybox does not.
ln -sf busybox "$1/usr/bin/sh"
ln -s /usr/bin/bash "$1/usr/local/bin/sh"

# Programs that Debian's packages lack, such as wget and nslookup, come from busybox.
for name in $(chroot "$1" busybox --list); do
  chroot "$1" sh -c "command -v $name" >/dev/null || ln -s busybox "$1/usr/bin/$name"
done

# A test expects this user and its groups (test/images/agnhost/Dockerfile).
chroot "$1" useradd --uid 1000 user-defined-in-image
chroot "$1" groupadd --gid 50000 group-defined-in-image
chroot "$1" gpasswd --add user-defined-in-image group-defined-in-image >/dev/null
