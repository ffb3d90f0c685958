#!/bin/sh
# First program of a test's machine that has no seed and finds its server by cloud-init. It stands in for a boot loader:
# what nspawn bound as the machine's seed becomes a kernel command line, and is gone before systemd starts.
seed=$(cat /etc/sprout/seed.json)
umount /etc/sprout/seed.json
rm -r /etc/sprout
value() {
  rest=${seed#*"\"$1\":\""}
  echo "${rest%%\"*}"
}
exec /usr/lib/sprout/nspawn-init.baked "ds=nocloud;s=$(value server)/nocloud/$(value capability)/;dsmode=net"
