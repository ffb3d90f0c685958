#!/bin/sh
# Init program of a test machine that the operator launched. If its user-data is cloud-init's, it removes the seed that
# nspawn bound before systemd starts.
if [ -e /var/lib/cloud/seed/nocloud/user-data ]; then
  umount /etc/sprout/seed.json
  # Nspawn left an empty file.
  [ -s /etc/sprout/seed.json ] || rm /etc/sprout/seed.json
fi
exec /usr/lib/sprout/nspawn-init.baked "$@"
