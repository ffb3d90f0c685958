#!/bin/sh
# Keeps one machine running, detached from the server: a killed server leaves its machines alone.
# usage: supervise.sh CONSOLE_FILE CGROUP_FOLDER... -- NSPAWN_ARGUMENT...
set -u
umask 077
# A file and no pipe: the machine keeps its console when the server is gone.
exec >> "$1" 2>&1
shift
while [ "$1" != -- ]; do
  echo $$ > "$1/cgroup.procs" || exit 1
  shift
done
shift
while :; do
  # With --keep-unit, nspawn exits with 133 when the machine asked for a reboot.
  systemd-nspawn "$@"
  status=$?
  [ "$status" = 133 ] || exit "$status"
done
