/** Where kubeadm puts the cluster's DNS service: the tenth address of the (IPv4) service subnet. */
export function clusterDnsAddress(serviceSubnet: string): string {
  const octets = (serviceSubnet.split("/")[0] ?? "").split(".").map(Number);
  const number = octets.reduce((sum, octet) => sum * 256 + octet, 0) + 10;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
