# Gets an address for the initrd and, later, for the machine.

interfaces() {
  wanted=$(argument BOOTIF | tr A-Z- a-z: | sed s/^01://)
  for path in /sys/class/net/*; do
    name=${path##*/}
    [ "$name" != lo ] || continue
    [ -z "$wanted" ] || [ "$(cat "$path/address")" = "$wanted" ] || continue
    echo "$name"
  done
}

# ask_address INTERFACE: requests the last boot's address again, because certificates name it. Classless routes come only
# to those who ask for them. Its script shows what it cannot use.
ask_address() {
  last=$(sed -n s/^ADDRESS=//p "/data/leases/$1" 2>/dev/null)
  udhcpc -i "$1" -q -n -f -t 3 -T 1 -O staticroutes ${last:+-r "$last"} -s /usr/lib/sprout/udhcpc 2>/dev/null
}

# get_one INTERFACE…: gets an address for the first of them that is offered one.
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
    [ -n "$cluster" ] || fail "no interface has the cluster's MAC $mac"
    # Its router becomes the machine's.
    ip route del default 2>/dev/null
    get_one "$cluster"
  fi
  # Nothing answers at this address: refusing at once saves the 6 s of kubelet's request for cloud credentials.
  ip route replace unreachable 169.254.0.0/16
  say_when "has an address"
}
