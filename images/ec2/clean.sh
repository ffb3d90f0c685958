#!/bin/sh
# Removes this machine's identity and leftovers of the bake from this root. An instance makes its own identity at its
# first boot: machine-id, host keys, instance-id, the operator's SSH key.
set -eu
cloud-init clean --logs --seed
: >/etc/machine-id
: >/etc/hostname
rm -f /var/lib/dbus/machine-id /etc/ssh/ssh_host_*
rm -f /var/lib/systemd/random-seed /var/lib/systemd/credential.secret
# For this instance's network card only: cloud-init writes them again for each instance.
rm -f /etc/netplan/50-cloud-init.yaml /etc/network/interfaces.d/50-cloud-init /etc/udev/rules.d/70-persistent-net.rules
rm -f /var/lib/dhcp/*.leases /var/lib/systemd/timers/* /var/lib/chrony/*

# The image must hold neither its builder's keys nor shell histories.
for home in /root /home/*; do
  rm -rf "$home/.ssh" "$home/.cache" "$home/.npm"
  rm -f "$home"/.*history "$home/.lesshst" "$home/.wget-hsts"
done
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/lib/dpkg/*-old
rm -rf /var/log/journal /run/log/journal/*
find /var/log -type f -delete
find /tmp /var/tmp -mindepth 1 -maxdepth 1 ! -name 'systemd-private-*' ! -name 'packer*' ! -name 'script_*' -exec rm -rf {} +
sync
