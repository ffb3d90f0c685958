#!/bin/sh
# Keeps one machine running, detached from the server: a killed server leaves its machines alone.
# usage: supervise.sh CONSOLE_FILE CGROUP_FOLDER... -- NSPAWN_ARGUMENT...
set -u
umask 077
# A file, not a pipe: the machine keeps its console when the server is gone.
exec >> "$1" 2>&1
shift
machine=$1
cgroups=
while [ "$1" != -- ]; do
  echo $$ > "$1/cgroup.procs" || exit 1
  cgroups="$cgroups $1"
  shift
done
shift
while :; do
  # Under cgroup v2 this shell is now in the last cgroup, and nspawn is alone in the first. A second process there would
  # prevent the delegation of controllers, and the machine would have none.
  (echo 0 > "$machine/cgroup.procs" && exec systemd-nspawn "$@")
  # With --keep-unit, nspawn exits with 133 when the machine asked for a reboot.
  status=$?
  [ "$status" = 133 ] || exit "$status"
  # A real reboot leaves no cgroups. For each container cgroup that remains, kubelet asks containerd for seconds.
  # shellcheck disable=SC2086 # word splitting is intended: one argument for each folder
  find $cgroups -mindepth 1 -depth -type d -exec rmdir {} + || :
  # A version 2 cgroup that has delegated controllers takes no process.
  if [ -e "$machine/cgroup.subtree_control" ]; then
    rmdir "$machine" && mkdir "$machine" || exit 1
  fi
done
