#!/bin/sh
# First program of a test's machine that somebody else launched. Where its user-data is cloud-init's, what nspawn bound as
# the machine's seed goes before systemd starts.
if [ -e /var/lib/cloud/seed/nocloud/user-data ]; then
  umount /etc/sprout/seed.json
  # Nspawn left an empty file.
  [ -s /etc/sprout/seed.json ] || rm /etc/sprout/seed.json
fi
exec /usr/lib/sprout/nspawn-init.baked "$@"
