#!/bin/sh
# First program of a test's machine that is an EC2 instance with cloud-init. It stands in for the hypervisor: the metadata
# service is there before the machine is, firmware says EC2, and an address comes by DHCP. Nspawn's seed goes.
until ip -4 route show 169.254.169.254 | grep -q vethimds; do sleep 0.01; done
umount /etc/sprout/seed.json
rm /etc/sprout/seed.json
mount -o remount,rw /sys
mkdir -p /sys/hypervisor
echo ec2e1916-9099-7caf-fd21-012345abcdef > /sys/hypervisor/uuid
mount -o remount,ro /sys
ip address flush dev eth0
# Down, as it is in a computer that starts: an interface that is up has its link-local address already, or never gets one.
ip link set eth0 down
exec /usr/lib/sprout/nspawn-init.baked
