#!/bin/sh
# Installs the Debian packages that the host lacks for baking images and running machines, as root, on Debian 12 and 13.
# Prints nothing if none is missing. On another host it only lists them, and tests on real machines are skipped; with
# "demo" that is an error. The bake itself finds or fetches Go, which compiles Kubernetes.
# usage: host-setup.sh [demo|bench] [-- COMMAND ARGUMENT…]; then runs the command, or only the command with --help
set -eu

mode=
case ${1-} in demo | bench)
  mode=$1
  shift
  ;;
esac
if [ "${1-}" = -- ]; then
  shift
  case " $* " in
    *" --help "* | *" -h "*) sh "$(dirname "$0")/link-node.sh" ;;
    *) sh "$0" $mode ;;
  esac
  exec "$@"
fi

LC_ALL=C DEBIAN_FRONTEND=noninteractive
export LC_ALL DEBIAN_FRONTEND

# npm may be set up to run no scripts.
sh "$(dirname "$0")/link-node.sh"

system=unknown
[ ! -r /etc/os-release ] || system=$(. /etc/os-release && echo "$ID ${VERSION_ID-}")

# package: its purpose
packages="\
libatomic1: Node 26 is linked with it
systemd-container: systemd-nspawn runs the machines
mmdebstrap: makes the machines' root
iproute2: bridges and network namespaces
kmod: loads br_netfilter and overlay if the kernel has them as modules
mount: overlay roots
procps: sysctl in a machine's network namespace
binutils: strips the bootstrapper
openssl: checks certificates from outside
curl: probes Kubernetes' official release and downloads it
gcc: compiles pause, Kubernetes' only program in C
libc6-dev: pause is linked with it
debian-archive-keyring: the keys of Debian 13's archive, also on Debian 12
redis-server: the store that several servers can share; its tests start it"
[ "${mode}" = demo ] || packages="$packages
cpio: packs the initrd of machines that boot over the network
squashfs-tools: packs their root
qemu-system-x86: emulates such machines, with iPXE in their network cards
iptables: closes ports between network namespaces, in tests
ipxe: for firmware with only PXE
ovmf: UEFI firmware of emulated machines
haproxy: leads workers to any API server of several; its tests start it
busybox-static: runs the scripts of that initrd, in tests
dnsmasq-base: DHCP for machines that boot over the network
skopeo: pulls container images, in tests from a fake registry
python3-venv: installs programs of others from PyPI, which tests run Sprout against"
# Debian 13 lacks Packer, so its tests are skipped there with a notice.
[ "${mode}" = demo ] || [ "$system" = "debian 13" ] || packages="$packages
packer: validates the template of an AMI; 17 MB to download, 103 on disk"
[ "${mode}" != bench ] || packages="$packages
wrk: sends requests as fast as possible
nginx-light: serves root images, for comparison"

installed=$(
  echo "$packages" | cut -d: -f1 |
    xargs dpkg-query --show --showformat='${Package}: ${db:Status-Status}\n' 2>/dev/null || true
)
is_installed() {
  # Debian 12's first keyrings lack Debian 13's keys.
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
    printf 'It needs the programs of these Debian packages, whatever %s calls them:\n%s' "$system" "$reasons" >&2
  elif [ -n "$missing" ]; then
    printf 'Missing:\n%s' "$reasons" >&2
    echo "Install them as root: apt-get install --no-install-recommends$missing" >&2
  fi
  if [ "${2-}" = demo ]; then exit 1; fi
  echo "Tests on real machines will be skipped" >&2
  exit 0
}

case $system in
  "debian 12" | "debian 13") ;;
  *) cannot "Sprout requires Debian 12 or 13, and this is $system" "${mode}" ;;
esac
[ "$(id -u)" = 0 ] || cannot "it requires root; run it with sudo" "${mode}"
[ -n "$missing" ] || exit 0

log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
  # shellcheck disable=SC2086 # one word for each package
  apt-get install --yes --quiet --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 $missing </dev/null >"$log" 2>&1
}

echo "Installing Debian packages with apt-get, to bake images and run machines on this host:"
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
