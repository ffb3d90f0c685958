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

# ask_address INTERFACE. The address of the last boot is asked for again: certificates are good for it.
ask_address() {
  last=$(sed -n s/^ADDRESS=//p "/data/leases/$1" 2>/dev/null)
  udhcpc -i "$1" -q -n -f -t 3 -T 1 ${last:+-r "$last"} -s /usr/lib/sprout/udhcpc >/dev/null 2>&1
}

# get_one INTERFACE…: an address for the first of them that gets one.
get_one() {
  for interface in "$@"; do ip link set "$interface" up; done
  for try in 1 2 3 4 5 6 7 8 9 10; do
    for interface in "$@"; do ask_address "$interface" && return; done
    sleep 1
  done
  fail "no DHCP server answered on: $*; check its network and the DHCP server"
}

interface_of() {
  for path in /sys/class/net/*; do
    [ "$(cat "$path/address")" != "$1" ] || echo "${path##*/}"
  done
}

get_address() {
  ip link set lo up
  mkdir -p /tmp/leases
  get_one $(interfaces)
  mac=$(argument sprout.cluster-mac)
  if [ -n "$mac" ]; then
    cluster=$(interface_of "$mac")
    [ -n "$cluster" ] || fail "no interface has MAC $mac, which is to take part in the cluster"
    # Its router is the machine's.
    ip route del default 2>/dev/null
    get_one "$cluster"
  fi
  # Nobody answers there: said at once, or kubelet's question for cloud credentials costs 6 s.
  ip route replace unreachable 169.254.0.0/16
  say_when "has an address"
}
