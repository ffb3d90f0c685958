#!/bin/sh
# Init program of a test machine that another platform launched: it has no seed, and a hosts file stands in for DNS. It
# removes the seed that nspawn bound before systemd starts.
umount /etc/sprout/seed.json
rm /etc/sprout/seed.json
cat /usr/lib/sprout/lab-hosts >> /etc/hosts
# On EC2 the metadata service exists before the machine.
if [ -e /etc/sprout/data-source ]; then
  until ip -4 route show 169.254.169.254 | grep -q vethimds; do sleep 0.01; done
fi
exec /usr/lib/sprout/nspawn-init.baked "$@"
