#!/bin/sh
# Turns this fresh Debian instance into the machine that an AMI is made of. Packer runs it as root.
# usage: provision.sh ARCHIVE [OPTION OF "sprout image bake"]…; paths in options are below the archive's root, as inputs/…
set -eu
archive=$1
shift
project=/var/tmp/sprout-bake
export DEBIAN_FRONTEND=noninteractive LC_ALL=C APT_CONFIG="$project/apt.conf" NO_COLOR=1

# Waits for cloud-init's first boot, which uses apt, too.
[ ! -e /run/cloud-init ] || timeout 600 cloud-init status --wait >/dev/null 2>&1 || :
rm -rf "$project"
mkdir -m 0700 "$project"
echo 'DPkg::Lock::Timeout "600"; Acquire::Retries "3";' >"$APT_CONFIG"
tar --extract --gzip --no-same-owner --file="$archive" --directory="$project"
rm "$archive"
apt-get -qq update
# Node 26 is linked with libatomic.
apt-get -qq install --yes --no-install-recommends libatomic1 >/dev/null
cd "$project"
sh cli/sprout image bake --ami --cache-dir "$project/cache" "$@"
clean=$(cat images/ec2/clean.sh)
cd /
rm -rf "$project"
unset APT_CONFIG
sh -c "$clean"
