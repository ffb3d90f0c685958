# What a machine tells the server without TLS: claims, and no secrets. Forms, because a shell can write them.

hex() { od -An -v -tx1 | tr -d ' \n'; }
firmware() { cat "/sys/class/dmi/id/$1" 2>/dev/null; }
mac_of() { tr : - <"/sys/class/net/$1/address"; }

# Interfaces and disks that are devices: neither bridges nor partitions, nothing that can be taken out.
nics() {
  for path in /sys/class/net/*; do [ ! -e "$path/device" ] || echo "${path##*/}"; done
}
disks() {
  for path in /sys/block/*; do
    [ -e "$path/device" ] && [ "$(cat "$path/removable")" = 0 ] && [ "$(cat "$path/ro")" = 0 ] || continue
    [ "$(cat "$path/size")" -gt 0 ] && echo "${path##*/}"
  done
}
sectors() { cat "/sys/block/$1/size"; }

identity() {
  boot=$(argument BOOTIF | tr A-Z a-z | sed s/^01-//)
  [ -n "$boot" ] || boot=$(mac_of "$(nics | head -n 1)")
  printf 'mac=%s&uuid=%s&serial-hex=%s&manufacturer-hex=%s' "$boot" "$(firmware product_uuid)" \
    "$(firmware product_serial | hex)" "$(firmware sys_vendor | hex)"
  for nic in $(nics); do printf '&nic=%s' "$(mac_of "$nic")"; done
}

# report PATH FIELDS: one try.
report() {
  [ -n "$(argument sprout.report)" ] || return 1
  timeout 20 wget -q -O /dev/null --post-data "$(identity)&$2" "$(argument sprout.report)/$1" 2>/dev/null
}

report_until_heard() {
  until report "$@"; do
    say "$(argument sprout.report) did not take the report; telling it again in 5 s"
    sleep 5
  done
}

# Disks show up one by one; what is there twice in a row is taken for all of them.
settled_disks() {
  before=none
  for try in 1 2 3 4 5 6 7 8 9 10; do
    now=$(disks)
    [ "$now" != "$before" ] || break
    before=$now
    sleep 1
  done
}

inspect() {
  settled_disks
  fields="cpus=$(grep -c ^processor /proc/cpuinfo)&memory-kib=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
  for disk in $(disks); do fields="$fields&disk=$disk:$(sectors "$disk")"; done
  for nic in $(nics); do fields="$fields&interface=$nic:$(mac_of "$nic")"; done
  say "MAC $(argument BOOTIF), $(echo "$fields" | tr '&' ' ')"
  report_until_heard inspection "$fields"
}
