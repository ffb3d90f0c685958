#!/bin/sh
# Installs what the host lacks for baking images and running machines: Debian packages, as root, on Debian 12 and 13.
# Says nothing when all is there. Elsewhere it only says what is missing, and what needs real machines is skipped;
# with "demo" that is an error. Go, for compiling Kubernetes, is found or fetched by the bake itself.
# usage: host-setup.sh [demo|bench]
set -eu
LC_ALL=C DEBIAN_FRONTEND=noninteractive
export LC_ALL DEBIAN_FRONTEND

system=unknown
[ ! -r /etc/os-release ] || system=$(. /etc/os-release && echo "$ID ${VERSION_ID-}")

# package: what it is for
packages="\
libatomic1: Node 26 is linked with it
systemd-container: systemd-nspawn runs the machines
mmdebstrap: makes the machines' root
iproute2: bridges and network namespaces
kmod: loads br_netfilter and overlay where the kernel has them as modules
mount: overlay roots
procps: sysctl in a machine's network namespace
binutils: strips the bootstrapper
openssl: checks certificates from outside
curl: asks whether Kubernetes' official release can be reached, and downloads it
gcc: compiles pause, the one program of Kubernetes that is not Go's
libc6-dev: pause is linked with it
debian-archive-keyring: the keys of Debian 13's archive, also on Debian 12
redis-server: the store that several servers can share, and what its tests start"
[ "${1-}" = demo ] || packages="$packages
cpio: packs the initrd of machines that boot over the network
squashfs-tools: packs their root
qemu-system-x86: emulates such machines, with iPXE in their network cards
iptables: closes ports between network namespaces, in tests
ipxe: for firmware with PXE alone
ovmf: UEFI firmware of emulated machines
dnsmasq-base: DHCP for machines that boot over the network
skopeo: pulls container images, in tests from a stand-in"
# Debian 13 has no Packer: there its tests are skipped and say so.
[ "${1-}" = demo ] || [ "$system" = "debian 13" ] || packages="$packages
packer: validates the template of an AMI; 17 MB to download, 103 on disk"
[ "${1-}" != bench ] || packages="$packages
wrk: asks as fast as it can
nginx-light: sends root images, beside the server"

installed=$(
  echo "$packages" | cut -d: -f1 |
    xargs dpkg-query --show --showformat='${Package}: ${db:Status-Status}\n' 2>/dev/null || true
)
is_installed() {
  # Debian 12's first keyrings know no Debian 13.
  [ "$1" != debian-archive-keyring ] || ls /usr/share/keyrings/debian-archive-trixie-stable.* >/dev/null 2>&1 || return 1
  case " $installed " in *[[:space:]]"$1: installed"[[:space:]]*) ;; *) return 1 ;; esac
}
missing=
reasons=
while IFS= read -r line; do
  is_installed "${line%%:*}" && continue
  missing="$missing ${line%%:*}"
  reasons="$reasons  $line
"
done <<EOF
$packages
EOF

cannot() {
  echo "Cannot set up this host: $1" >&2
  if ! command -v dpkg-query >/dev/null; then
    printf 'It takes what Debian has in these packages; find them under the names of %s:\n%s' "$system" "$reasons" >&2
  elif [ -n "$missing" ]; then
    printf 'Missing here:\n%s' "$reasons" >&2
    echo "Install it as root: apt-get install --no-install-recommends$missing" >&2
  fi
  if [ "${2-}" = demo ]; then exit 1; fi
  echo "Tests on real machines will be skipped" >&2
  exit 0
}

case $system in
  "debian 12" | "debian 13") ;;
  *) cannot "it needs Debian 12 or 13 and this is $system" "${1-}" ;;
esac
[ "$(id -u)" = 0 ] || cannot "it needs root; run it with sudo" "${1-}"
[ -n "$missing" ] || exit 0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
  # shellcheck disable=SC2086 # one word for each package
  apt-get install --yes --quiet --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 $missing </dev/null >"$log" 2>&1
}

echo "Installing:"
printf '%s' "$reasons"
start=$(date +%s)
# Package lists may be missing or too old; refreshing them takes longer than most installations.
install || {
  apt-get update --quiet -o Acquire::Retries=3 </dev/null >"$log" 2>&1 || true
  install
} || {
  tail -n 20 "$log" >&2
  echo "Cannot install$missing: see apt's messages above; check the package sources and the network" >&2
  exit 1
}
echo "Installed in $(($(date +%s) - start)) s"
