# What a machine reports to the server without TLS: claims, no secrets. As forms, because a shell can write them.

hex() { od -An -v -tx1 | tr -d ' \n'; }
firmware() { cat "/sys/class/dmi/id/$1" 2>/dev/null; }
mac_of() { tr : - <"/sys/class/net/$1/address"; }

# Interfaces and disks that are devices: no bridges, no partitions, nothing removable.
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

# Of Ethernet cards alone: InfiniBand has longer addresses, and a modem may have none.
macs() {
  for nic in $(nics); do mac_of "$nic"; done |
    grep -x '[0-9a-f][02468ace]\(-[0-9a-f][0-9a-f]\)\{5\}' | grep -vx 00-00-00-00-00-00
}

identity() {
  boot=$(argument BOOTIF | tr A-Z a-z | sed s/^01-//)
  [ -n "$boot" ] || boot=$(macs | head -n 1)
  printf 'mac=%s&uuid=%s&serial-hex=%s&manufacturer-hex=%s' "$boot" "$(firmware product_uuid)" \
    "$(firmware product_serial | hex)" "$(firmware sys_vendor | hex)"
  for mac in $(macs | head -n 32); do printf '&nic=%s' "$mac"; done
}

# report PATH FIELDS: one attempt. On failure `refusal` has the server's status, or nothing if it did not answer.
report() {
  refusal=
  [ -n "$(argument sprout.report)" ] || return 1
  problem=$(timeout 20 wget -q -O /dev/null --post-data "$(identity)&$2" "$(argument sprout.report)/$1" 2>&1) && return
  refusal=$(echo "$problem" | sed -n 's/^wget: server returned error: HTTP[^ ]* //p')
  return 1
}

# Fails if the server refuses the report: it would refuse the same report again.
report_until_heard() {
  until report "$@"; do
    case $refusal in
      408* | 429*) ;;
      4*)
        say "Cannot report $1: $(argument sprout.report) answered $refusal; continuing in 10 s"
        sleep 10
        return 1
        ;;
    esac
    say "$(argument sprout.report) did not accept the report: ${refusal:-no answer}; sending it again in 5 s"
    sleep 5
  done
}

# Disks appear one by one; the list is complete when it is the same twice in a row.
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
  # As many as the server keeps.
  for disk in $(disks | head -n 64); do fields="$fields&disk=$disk:$(sectors "$disk")"; done
  for nic in $(nics | head -n 32); do fields="$fields&interface=$nic:$(mac_of "$nic")"; done
  say "MAC $(argument BOOTIF), $(echo "$fields" | tr '&' ' ')"
  report_until_heard inspection "$fields"
}
