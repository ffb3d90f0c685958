# The root: fetches, mounts and starts it.

fetch_root() {
  url=$(argument sprout.root)
  sha512=$(argument sprout.root-sha512)
  [ -n "$url" ] && [ -n "$sha512" ] ||
    fail "sprout.root= and sprout.root-sha512= must be on the kernel command line; see the boot script"
  mkdir -p /memory /lower /root
  mount -t tmpfs -o size=90%,mode=755 memory /memory
  for try in 1 2 3 4 5; do
    # wget's time limit (-T) crashes Debian's static busybox.
    timeout 300 wget -q -O /memory/root.squashfs "$url" && fetched=yes && break
    sleep "$try"
  done
  [ -n "$fetched" ] || fail "$url was not fetched: no answer, no such file, or not enough memory for it"
  say_when "has its root image"
  echo "$sha512  /memory/root.squashfs" | sha512sum -c -s || fail "$url does not match sprout.root-sha512"
}

# mount_root CHANGES: mounts the root image with a writable layer in CHANGES.
mount_root() {
  mount -t overlay -o "lowerdir=/lower,upperdir=$1/changes,workdir=$1/work" overlay /root ||
    fail "the writable layer cannot be mounted"
}

# containerd's snapshotter cannot write to an overlay, and kubelet measures the filesystem below it.
mount_memory() {
  mount -t squashfs -o loop,ro /memory/root.squashfs /lower || fail "the root image cannot be mounted"
  mkdir /memory/changes /memory/work
  mount_root /memory
  for name in containerd kubelet; do mount -t tmpfs -o size=60%,mode=755 "$name" "/root/var/lib/$name"; done
  cp -a /root/usr/lib/sprout/containerd-start/. /root/var/lib/containerd/
  root_device=memory
}

# Renews each lease as long as the machine runs, and first of all when it boots from its disk.
keep_leases() {
  cp -r /tmp/leases /root/run/sprout/leases
  [ "$root_device" = memory ] || cp -r /tmp/leases /data/
  wants=/root/run/systemd/system/multi-user.target.wants
  mkdir -p $wants
  for path in /tmp/leases/*; do
    ln -s /etc/systemd/system/sprout-lease@.service "$wants/sprout-lease@${path##*/}.service"
  done
}

start_root() {
  mount -t tmpfs -o mode=755,nosuid,nodev run /root/run
  mkdir /root/run/sprout
  echo "$root_device" >/root/run/sprout/root-device
  keep_leases
  [ ! -f /etc/resolv.conf ] || cp /etc/resolv.conf /root/etc/resolv.conf
  # Power may fail before the disk has written it.
  [ "$root_device" = memory ] || sync
  say_when "starts its root"
  for name in dev sys proc; do mount --move "/$name" "/root/$name"; done
  exec /usr/lib/sprout/busybox switch_root /root /lib/systemd/systemd
}
