#!/bin/sh
# First program of a test's machine that somebody else launched: it has no seed and its names are in a hosts file, as they
# would be in DNS. What nspawn bound as the seed goes before systemd starts.
umount /etc/sprout/seed.json
rm /etc/sprout/seed.json
cat /usr/lib/sprout/lab-hosts >> /etc/hosts
# Of an EC2 instance the metadata service is there before the machine is.
if [ -e /etc/sprout/data-source ]; then
  until ip -4 route show 169.254.169.254 | grep -q vethimds; do sleep 0.01; done
fi
exec /usr/lib/sprout/nspawn-init.baked "$@"
