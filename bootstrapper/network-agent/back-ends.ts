import { readFile } from "node:fs/promises";
import { Address } from "#api/network.ts";
import type { ConsoleLine } from "../console-line.ts";
import { internalIp, isControlPlane, type KubernetesNode } from "../kubernetes/node.ts";
import { below, writeFileAtomic } from "../machine/files.ts";
import { type LoadBalancer, renderLoadBalancerConfig } from "../render/load-balancer.ts";
import type { Render } from "../../templates/create-render.ts";

type ControlPlane = LoadBalancer["controlPlanes"][number];

interface BackEndsOptions {
  /** As planned: during the bring-up the Node of a control plane may not exist yet. */
  loadBalancer: LoadBalancer;
  root: string;
  render: Render;
  run: (...command: [string, ...string[]]) => Promise<string>;
  log: (level: ConsoleLine["level"], message: string, fields: object) => void;
}

/** Returns what brings the load balancer's API servers up to date, and has it read its configuration again. */
export function createBackEnds({ loadBalancer, root, render, run, log }: BackEndsOptions) {
  const seen = new Set<string>();

  return async (nodes: ReadonlyMap<string, KubernetesNode>): Promise<void> => {
    const controlPlanes = toBackEnds(nodes, { planned: loadBalancer.controlPlanes, seen });
    for (const name of nodes.keys()) seen.add(name);
    if (controlPlanes.length === 0) return;
    const files = await renderLoadBalancerConfig(render, { ...loadBalancer, controlPlanes });
    for (const { path, content, mode, unit } of files) {
      const file = below(root, path);
      const before = await readFile(file, "utf8");
      if (content === before) continue;
      await writeFileAtomic(file, content, mode);
      try {
        // A unit that is not active reads it when it starts.
        await run("systemctl", "try-reload-or-restart", unit);
      } catch (error) {
        // What the program has not read is to be tried again.
        await writeFileAtomic(file, before, mode);
        throw error;
      }
      log("info", "API servers of the load balancer", { unit, servers: controlPlanes.map(({ name }) => name) });
    }
  };
}

/**
 * Returns the control planes that there are: the planned ones and those of the Nodes, in order, but none whose Node was
 * `seen` and is gone. No kubelet can make its own Node a control plane's (NodeRestriction).
 */
export function toBackEnds(
  nodes: ReadonlyMap<string, KubernetesNode>,
  { planned, seen }: { planned: readonly ControlPlane[]; seen: ReadonlySet<string> },
): ControlPlane[] {
  const isPlanned = (name: string) => planned.some((each) => each.name === name);
  const further = [...nodes.values()].flatMap((node) => {
    const { name } = node.metadata;
    const address = Address.safeParse(internalIp(node)).data;
    return isControlPlane(node) && !isPlanned(name) && address !== undefined ? [{ name, address }] : [];
  });
  const left = planned.filter(({ name }) => nodes.has(name) || !seen.has(name));
  return [...left, ...further.toSorted((one, other) => (one.name < other.name ? -1 : 1))];
}
