import type { NodeMetadata } from "#api/node-metadata.ts";
import { isSupportedKubernetes, supportedKubernetes } from "#api/kubernetes-version.ts";
import { contains, parseSubnet } from "#lib/subnet.ts";
import { BootstrapError } from "../errors.ts";

/**
 * Checks what the schema cannot: that the document agrees with itself. Throws BootstrapError with every problem at
 * once.
 */
export function checkMetadata(metadata: NodeMetadata): void {
  const { self, controlPlanes, neighbours = [], peers, network, join, initialClusterState } = metadata;
  const version = metadata.cluster.kubernetesVersion;
  const podCidr = parseSubnet(self.podCidr);
  const listed = controlPlanes.find(({ name }) => name === self.name);
  const rules: [pointer: string, isBroken: boolean, expected: string][] = [
    ["/cluster/kubernetesVersion", !isSupportedKubernetes(version), `a version of ${supportedKubernetes}, or newer`],
    ["/controlPlanes", self.role === "control-plane" && listed === undefined, "a list with this control plane"],
    ["/self/role", self.role === "worker" && listed !== undefined, "control-plane, as in /controlPlanes"],
    ["/join", self.role === "control-plane" && join !== "certificate", "certificate, as for every control plane"],
    ["/self/address", listed !== undefined && listed.address !== self.address, "the address in /controlPlanes"],
    ["/peers", peers !== undefined && controlPlanes[0]?.name !== self.name, "no peers but for the first control plane"],
    [
      "/initialClusterState",
      initialClusterState !== undefined && (peers !== undefined || listed === undefined || controlPlanes.length < 2),
      "existing only for a control plane that has others",
    ],
    ["/peers", peers !== undefined && !peers.includes(self.name), "a list with this node"],
    [
      "/neighbours",
      neighbours.some(({ name }) => name === self.name || controlPlanes.some((peer) => peer.name === name)),
      "neither this node nor a control plane",
    ],
    ["/self/podCidr", !contains(parseSubnet(network.podSubnet), podCidr), "a subnet of /network/podSubnet"],
    ["/self/address", contains(podCidr, parseSubnet(self.address)), "an address outside /self/podCidr"],
  ];
  const problems = rules.flatMap(([pointer, isBroken, expected]) =>
    isBroken ? [`${pointer}: Expected ${expected}`] : [],
  );
  if (problems.length > 0) throw new BootstrapError("invalid-input", `Cannot use metadata: ${problems.join("; ")}`);
}
