#!/bin/sh
# Init program of a test machine that is an EC2 instance with cloud-init. It stands in for the hypervisor: the metadata
# service exists before the machine, firmware names EC2, and DHCP assigns an address. It removes nspawn's seed.
until ip -4 route show 169.254.169.254 | grep -q vethimds; do sleep 0.01; done
umount /etc/sprout/seed.json
rm /etc/sprout/seed.json
mount -o remount,rw /sys
mkdir -p /sys/hypervisor
echo ec2e1916-9099-7caf-fd21-012345abcdef > /sys/hypervisor/uuid
mount -o remount,ro /sys
ip address flush dev eth0
# Down, as on a booting computer: an interface that is up already has its link-local address, or never gets one.
ip link set eth0 down
exec /usr/lib/sprout/nspawn-init.baked
