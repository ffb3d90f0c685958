# Disks: installing and wiping. Sprout finds its partitions by name.

partition_name() { sed -n s/^PARTNAME=//p "/sys/class/block/$1/uevent"; }

# partition_on DISK NAME
partition_on() {
  for path in "/sys/block/$1/$1"*; do
    [ ! -e "$path/partition" ] || [ "$(partition_name "${path##*/}")" != "$2" ] || echo "${path##*/}"
  done
}
sprout_disks() {
  for disk in $(disks); do [ -z "$(partition_on "$disk" sprout-data)" ] || echo "$disk"; done
}

smallest_disk() {
  for disk in $(disks); do
    [ "$(sectors "$disk")" -lt "$(($1 * 2097152))" ] || echo "$(sectors "$disk") $disk"
  done | sort -n | head -n 1 | cut -d' ' -f2
}

forget_partitions() {
  last=$(($(sectors "$1") / 2048 - 1))
  dd if=/dev/zero of="/dev/$1" bs=1M count=2 conv=fsync 2>/dev/null
  dd if=/dev/zero of="/dev/$1" bs=1M count=1 seek="$last" conv=fsync 2>/dev/null
  blockdev --rereadpt "/dev/$1" 2>/dev/null
}

# The root image in memory has the programs: systemd-repart makes table, partitions and filesystem.
install_root() {
  settled_disks
  disk=$(smallest_disk "$(argument sprout.disk-gib)")
  [ -n "$disk" ] || fail "no disk of $(argument sprout.disk-gib) GiB or more to install to; there are: $(disks | tr '\n' ' ')"
  for other in $(sprout_disks); do [ "$other" = "$disk" ] || forget_partitions "$other"; done
  say "Installing to /dev/$disk"
  mount -t squashfs -o loop,ro /memory/root.squashfs /lower || fail "the root image cannot be mounted"
  for name in dev proc sys; do mount --bind "/$name" "/lower/$name"; done
  mount --bind /memory /lower/mnt
  for name in run tmp; do mount -t tmpfs "$name" "/lower/$name"; done
  chroot /lower /usr/bin/systemd-repart --definitions=/usr/lib/sprout/disk/repart.d --empty=force --dry-run=no --pretty=no \
    "/dev/$disk" >/memory/install.log 2>&1 || fail "/dev/$disk cannot be partitioned: $(tail -n 1 /memory/install.log)"
  if [ -f /lower/usr/lib/sprout/disk/gptmbr.bin ]; then
    chroot /lower /sbin/sfdisk -q --no-reread --part-attrs "/dev/$disk" 1 LegacyBIOSBootable >/dev/null 2>&1
    dd if=/lower/usr/lib/sprout/disk/gptmbr.bin of="/dev/$disk" bs=440 count=1 conv=notrunc,fsync 2>/dev/null
  fi
  for name in run tmp mnt dev proc sys; do umount "/lower/$name"; done
  umount -d /lower
  umount /memory
  say_when "is installed"
}

find_installed_disk() {
  for try in 1 2 3 4 5 6 7 8 9 10; do
    disk=$(sprout_disks | head -n 1)
    [ -z "$disk" ] || return
    sleep 1
  done
  fail "no disk has the partition sprout-data; was it taken out?"
}

# The root is read-only. What the machine writes is on the data partition and stays.
mount_disk() {
  mkdir -p /lower /data /root
  mount -t squashfs -o ro "/dev/$(partition_on "$disk" sprout-root)" /lower || fail "the root on /dev/$disk cannot be mounted"
  mount -t ext4 "/dev/$(partition_on "$disk" sprout-data)" /data || fail "the data on /dev/$disk cannot be mounted"
  mkdir -p /data/changes /data/work
  mount_root /data
  for name in containerd kubelet etcd; do
    [ -d "/data/$name" ] || { mkdir -m 700 "/data/$name" && is_new=yes; }
    mount --bind "/data/$name" "/root/var/lib/$name"
  done
  [ -z "$is_new" ] || cp -a /lower/usr/lib/sprout/containerd-start/. /data/containerd/
  keep_command_line
  root_device=disk
}

# The machine's identity, for boots from the disk: the boot loader does not know it.
keep_command_line() {
  kept=/root/etc/sprout/kernel-command-line
  if [ "$(argument sprout.do)" = disk ]; then
    command_line="$(cat "$kept") $command_line"
    return
  fi
  for word in $command_line; do
    case $word in sprout.server=* | sprout.ca=* | sprout.ca-sha256=* | sprout.capability=* | sprout.cluster-mac=* | BOOTIF=*) echo "$word" ;; esac
  done | tr '\n' ' ' >"$kept.new"
  chmod 600 "$kept.new"
  mv "$kept.new" "$kept"
}

# A disk no longer returns discarded data. If it cannot discard, all of it is overwritten.
wipe_disks() {
  settled_disks
  for disk in $(sprout_disks); do
    data=$(partition_on "$disk" sprout-data)
    say "Wiping /dev/$data"
    blkdiscard "/dev/$data" 2>/dev/null || dd if=/dev/zero of="/dev/$data" bs=4M 2>/dev/null
    forget_partitions "$disk"
    say_when "has wiped /dev/$disk"
  done
  report_until_heard wiped "token=$(argument sprout.wipe-token)"
}
