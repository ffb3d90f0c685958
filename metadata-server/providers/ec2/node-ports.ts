import type { IpPermission, SecurityGroup } from "@aws-sdk/client-ec2";
import type { Reservation } from "../provider.ts";
import { contains, parseSubnet } from "../../clusters/subnet.ts";

/** As `10250/tcp`, or `all` for whatever pods send each other. */
export type NodePort = string;

/** What nodes need of each other (https://kubernetes.io/docs/reference/networking/ports-and-protocols/). */
export function toNodePorts({ members, network }: Pick<Reservation, "members" | "network">): NodePort[] {
  // Their packets have pods' addresses and any port.
  if (network === undefined || network.plugin === "routes") return members.length > 1 ? ["all"] : [];
  if (members.length === 1) return [];
  const controlPlanes = members.filter(({ role }) => role === "control-plane").length;
  const etcd = controlPlanes > 1 ? ["2379/tcp", "2380/tcp"] : [];
  return ["6443/tcp", "10250/tcp", ...etcd, ...(network.ports ?? [])];
}

/** Ports on which instances with all of these groups, in these subnets, do not take what the others send them. */
export function findClosedPorts(
  ports: readonly NodePort[],
  { groups, subnets }: { groups: readonly SecurityGroup[]; subnets: readonly string[] },
): NodePort[] {
  const ids = new Set(groups.map(({ GroupId }) => GroupId));
  const fromNodes = groups
    .flatMap(({ IpPermissions = [] }) => IpPermissions)
    .filter(
      ({ UserIdGroupPairs = [], IpRanges = [] }) =>
        UserIdGroupPairs.some(({ GroupId }) => ids.has(GroupId)) ||
        subnets.every((subnet) => IpRanges.some(({ CidrIp = "" }) => isWithin(CidrIp, subnet))),
    );
  return ports.filter((port) => !fromNodes.some((permission) => opens(permission, port)));
}

function isWithin(range: string, subnet: string): boolean {
  const [outer, inner] = [parseSubnet(range), parseSubnet(subnet)];
  return outer.prefix <= inner.prefix && contains(outer, subnet.split("/")[0] ?? "");
}

function opens({ IpProtocol, FromPort = 0, ToPort = 65_535 }: IpPermission, port: NodePort): boolean {
  if (IpProtocol === "-1") return true;
  const [number, protocol] = port.split("/");
  return protocol === IpProtocol && Number(number) >= FromPort && Number(number) <= ToPort;
}
