import { contains } from "../check-metadata.ts";
import { internalIp, type KubernetesNode, podCidrAnnotation } from "../kubernetes/node.ts";

/** Marks our routes in the kernel's table (`ip route … proto 157`), so that nobody else's are ever touched. */
export const routeProtocol = "157";

/** Pod CIDR → the address of the node that has it. */
export type Routes = Map<string, string>;

const cidrPattern = /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/;

/** The routes this node should have. A peer that announces what lies outside the pod subnet, or is ours, gets none. */
export function toRoutes(
  nodes: Iterable<KubernetesNode>,
  { self, podSubnet }: { self: string; podSubnet: string },
): Routes {
  const routes: Routes = new Map();
  const all = [...nodes];
  const own = all.find(({ metadata }) => metadata.name === self)?.metadata.annotations?.[podCidrAnnotation];
  for (const node of all) {
    const cidr = node.metadata.annotations?.[podCidrAnnotation];
    const address = internalIp(node);
    if (node.metadata.name === self || cidr === undefined || address === undefined || !cidrPattern.test(cidr)) continue;
    if (!contains(podSubnet, cidr) || (own !== undefined && (contains(own, cidr) || contains(cidr, own)))) continue;
    // The first that announced it keeps it.
    if (!routes.has(cidr)) routes.set(cidr, address);
  }
  return routes;
}

export interface RouteChange {
  operation: "replace" | "delete";
  cidr: string;
  via: string;
}

/** What has to be done to turn `current` into `wanted`. */
export function diffRoutes(current: Routes, wanted: Routes): RouteChange[] {
  return [
    ...[...current]
      .filter(([cidr]) => !wanted.has(cidr))
      .map(([cidr, via]) => ({ operation: "delete" as const, cidr, via })),
    ...[...wanted]
      .filter(([cidr, via]) => current.get(cidr) !== via)
      .map(([cidr, via]) => ({ operation: "replace" as const, cidr, via })),
  ];
}

/** `ip -json route show proto N` as Routes. */
export function parseIpRoutes(json: string): Routes {
  const entries = JSON.parse(json === "" ? "[]" : json) as { dst?: string; gateway?: string }[];
  return new Map(
    entries.flatMap(({ dst, gateway }) =>
      dst === undefined || gateway === undefined ? [] : [[dst, gateway] as [string, string]],
    ),
  );
}
