import type { IpPermission, IpRange, SecurityGroup } from "@aws-sdk/client-ec2";
import type { Reservation } from "../provider.ts";
import { contains, parseSubnet, type Subnet } from "#lib/subnet.ts";

/** Such as `10250/tcp`, or `all` for the traffic of pods. */
export type NodePort = string;

/** Ports that nodes need of each other (https://kubernetes.io/docs/reference/networking/ports-and-protocols/). */
export function toNodePorts({ members, network }: Pick<Reservation, "members" | "network">): NodePort[] {
  // Packets between nodes have pods' addresses and any port.
  if (network === undefined || network.plugin === "routes") return members.length > 1 ? ["all"] : [];
  if (members.length === 1) return [];
  const controlPlanes = members.filter(({ role }) => role === "control-plane").length;
  const etcd = controlPlanes > 1 ? ["2379/tcp", "2380/tcp"] : [];
  return ["6443/tcp", "10250/tcp", ...etcd, ...(network.ports ?? [])];
}

/** Ports that these security groups close between instances in these subnets. */
export function findClosedPorts(
  ports: readonly NodePort[],
  { groups, subnets }: { groups: readonly SecurityGroup[]; subnets: readonly Subnet[] },
): NodePort[] {
  const ids = new Set(groups.map(({ GroupId }) => GroupId));
  const fromNodes = groups
    .flatMap(({ IpPermissions = [] }) => IpPermissions)
    .filter(
      ({ UserIdGroupPairs = [], IpRanges = [] }) =>
        UserIdGroupPairs.some(({ GroupId }) => ids.has(GroupId)) ||
        subnets.every((subnet) => toSubnets(IpRanges).some((range) => contains(range, subnet))),
    );
  return ports.filter((port) => !fromNodes.some((permission) => opens(permission, port)));
}

const toSubnets = (ranges: readonly IpRange[]) => ranges.flatMap(({ CidrIp }) => (CidrIp ? parseSubnet(CidrIp) : []));

function opens({ IpProtocol, FromPort = 0, ToPort = 65_535 }: IpPermission, port: NodePort): boolean {
  if (IpProtocol === "-1") return true;
  const [number, protocol] = port.split("/");
  return protocol === IpProtocol && Number(number) >= FromPort && Number(number) <= ToPort;
}
