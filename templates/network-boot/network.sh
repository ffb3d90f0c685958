# An address for the initrd and for the machine after it.

interfaces() {
  wanted=$(argument BOOTIF | tr A-Z- a-z: | sed s/^01://)
  for path in /sys/class/net/*; do
    name=${path##*/}
    [ "$name" != lo ] || continue
    [ -z "$wanted" ] || [ "$(cat "$path/address")" = "$wanted" ] || continue
    echo "$name"
  done
}

# The address of the last boot is asked for again: certificates are good for it.
get_address() {
  ip link set lo up
  last=$(sed -n s/^ADDRESS=//p /data/lease 2>/dev/null)
  for interface in $(interfaces); do ip link set "$interface" up; done
  for try in 1 2 3 4 5 6 7 8 9 10; do
    for interface in $(interfaces); do
      udhcpc -i "$interface" -q -n -f -t 3 -T 1 ${last:+-r "$last"} -s /usr/lib/sprout/udhcpc >/dev/null 2>&1 && got=yes && break 2
    done
    sleep 1
  done
  [ -n "$got" ] || fail "no DHCP server answered on: $(interfaces | tr '\n' ' '); check its network and the DHCP server"
  # Nobody answers there: said at once, or kubelet's question for cloud credentials costs 6 s.
  ip route replace unreachable 169.254.0.0/16
  say_when "has an address"
}
