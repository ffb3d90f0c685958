#!/bin/sh
# Init program of a test machine that has no seed and finds its server by cloud-init. It stands in for the boot loader, the
# image's configuration and EC2's hypervisor: the seed that nspawn bound names the data source, and it removes that seed
# before systemd starts.
bound=$(cat /etc/sprout/seed.json)
umount /etc/sprout/seed.json
# Nspawn left an empty file. After a reboot it is the one that cloud-init wrote, and stays.
[ -s /etc/sprout/seed.json ] || rm -r /etc/sprout
value() {
  rest=${bound#*"\"$1\":\""}
  echo "${rest%%\"*}"
}
server=$(value server)
capability=$(value capability)
case $(value dataSource) in
nocloud)
  exec /usr/lib/sprout/nspawn-init.baked "ds=nocloud;s=$server/nocloud/$capability/;dsmode=net"
  ;;
ec2-on-ec2)
  mount -o remount,rw /sys
  mkdir -p /sys/hypervisor
  echo ec2e1916-9099-7caf-fd21-012345abcdef > /sys/hypervisor/uuid
  mount -o remount,ro /sys
  # There cloud-init's first stage comes before the network and has an address for itself, by DHCP; then the image has one.
  ip address flush dev eth0
  ip link set eth0 down
  mkdir -p /run/systemd/system/cloud-init-network.service.wants
  cat > /run/systemd/system/networking.service <<END
[Unit]
DefaultDependencies=no
After=cloud-init-local.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/dhcpcd --oneshot --ipv4only --noarp eth0
END
  ln -sf ../networking.service /run/systemd/system/cloud-init-network.service.wants/
  ;;
esac
cat > /etc/cloud/cloud.cfg.d/99-machine.cfg <<END
datasource_list: [Ec2]
datasource: {Ec2: {strict_id: false, metadata_urls: ["$server/ec2/$capability"]}}
END
exec /usr/lib/sprout/nspawn-init.baked
