/** Where kubeadm puts the cluster's DNS: the tenth address of the (IPv4) service subnet. */
export const clusterDnsAddress = (serviceSubnet: string): string => addressIn(serviceSubnet, 10);

/** Where the API server puts itself, the Service `kubernetes.default`: the first address of the service subnet. */
export const apiServiceAddress = (serviceSubnet: string): string => addressIn(serviceSubnet, 1);

function addressIn(subnet: string, index: number): string {
  const octets = (subnet.split("/")[0] ?? "").split(".").map(Number);
  const number = octets.reduce((sum, octet) => sum * 256 + octet, 0) + index;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
