import type { NodeMetadata } from "#api/node-metadata.ts";
import { isSupportedKubernetes, supportedKubernetes } from "#api/kubernetes-version.ts";
import { BootstrapError } from "./errors.ts";

/** What the schema cannot say: that the document agrees with itself. Throws BootstrapError with every problem at once. */
export function checkMetadata(metadata: NodeMetadata): void {
  const { self, controlPlanes, neighbours = [], peers, network, cluster } = metadata;
  const listed = controlPlanes.find(({ name }) => name === self.name);
  const problems = [
    ...versionProblems(cluster.kubernetesVersion),
    ...(self.role === "control-plane" && listed === undefined
      ? ["/controlPlanes: this control plane is not among them"]
      : []),
    ...(self.role === "worker" && listed !== undefined
      ? ["/self/role: is worker, but /controlPlanes names this node"]
      : []),
    ...(self.role === "control-plane" && metadata.join !== "certificate"
      ? ["/join: a control plane joins by certificate only"]
      : []),
    ...(listed !== undefined && listed.address !== self.address
      ? ["/self/address: differs from the one in /controlPlanes"]
      : []),
    ...(peers !== undefined && controlPlanes[0]?.name !== self.name
      ? ["/peers: is for the first control plane only"]
      : []),
    ...(peers !== undefined && !peers.includes(self.name) ? ["/peers: lacks this node"] : []),
    ...(neighbours.some(({ name }) => name === self.name || controlPlanes.some((peer) => peer.name === name))
      ? ["/neighbours: names this node, or a control plane"]
      : []),
    ...(contains(network.podSubnet, self.podCidr) ? [] : ["/self/podCidr: is outside /network/podSubnet"]),
    ...(contains(self.podCidr, `${self.address}/32`) ? ["/self/address: is inside /self/podCidr"] : []),
  ];
  if (problems.length > 0) throw new BootstrapError("invalid-input", `Cannot use metadata: ${problems.join("; ")}`);
}

/** Whether `inner` is a part of `outer`; both IPv4 CIDRs. */
export function contains(outer: string, inner: string): boolean {
  const [outerBase, outerBits] = parseCidr(outer);
  const [innerBase, innerBits] = parseCidr(inner);
  const shift = 2 ** (32 - outerBits);
  return innerBits >= outerBits && Math.floor(innerBase / shift) === Math.floor(outerBase / shift);
}

function parseCidr(cidr: string): [base: number, bits: number] {
  const [address = "", bits] = cidr.split("/");
  return [address.split(".").reduce((number, octet) => number * 256 + Number(octet), 0), Number(bits)];
}

function versionProblems(version: string): string[] {
  if (isSupportedKubernetes(version)) return [];
  return [`/cluster/kubernetesVersion: ${version} is not supported; supported are ${supportedKubernetes}, and newer`];
}
