import { readFile } from "node:fs/promises";
import { Address } from "#api/network.ts";
import type { ConsoleLine } from "../console-line.ts";
import { internalIp, isControlPlane, type KubernetesNode } from "../kubernetes/node.ts";
import { below, writeFileAtomic } from "../machine/files.ts";
import { loadBalancerConfig, renderLoadBalancerConfig } from "../render/load-balancer.ts";
import type { Render } from "../../templates/create-render.ts";

interface ControlPlane {
  name: string;
  address: string;
}

interface BackEndsOptions {
  endpoint: string;
  /** Those of the plan: during the bring-up a Node may not exist yet. */
  controlPlanes: readonly ControlPlane[];
  root: string;
  render: Render;
  run: (...command: [string, ...string[]]) => Promise<string>;
  log: (level: ConsoleLine["level"], message: string, fields: object) => void;
}

/** Returns what brings the load balancer's API servers up to date, and has it read its configuration again. */
export function createBackEnds({ endpoint, controlPlanes, root, render, run, log }: BackEndsOptions) {
  const seen = new Set<string>();
  const file = below(root, loadBalancerConfig);

  return async (nodes: ReadonlyMap<string, KubernetesNode>): Promise<void> => {
    const servers = toBackEnds(nodes, { planned: controlPlanes, seen });
    for (const name of nodes.keys()) seen.add(name);
    const content = await renderLoadBalancerConfig(render, { endpoint, controlPlanes: servers });
    if (servers.length === 0 || content === (await readFile(file, "utf8"))) return;
    await writeFileAtomic(file, content, 0o644);
    await run("systemctl", "reload", "sprout-load-balancer.service");
    log("info", "API servers of the load balancer", { servers: servers.map(({ name }) => name) });
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
