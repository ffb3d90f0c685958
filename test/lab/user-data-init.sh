#!/bin/sh
# First program of a test's machine that somebody else launched: it has no seed and its names are in a hosts file, as they
# would be in DNS. What nspawn bound as the seed goes before systemd starts.
umount /etc/sprout/seed.json
rm /etc/sprout/seed.json
cat /usr/lib/sprout/lab-hosts >> /etc/hosts
# The lab gives it the address of EC2's instance metadata service, as a hypervisor would, a moment after its start.
if [ -e /usr/lib/sprout/lab-instance ]; then
  until ip address show lo | grep -q 169.254.169.254; do sleep 0.02; done
fi
exec /usr/lib/sprout/nspawn-init.baked "$@"
