import type { Phase, PhaseState } from "#api/phase.ts";

interface RealFault {
  kind: "kill-bootstrapper" | "cut-power" | "drop-packets";
  /** 0 is the first control plane. */
  node: number;
  /** The fault strikes when this node's bootstrapper reports this step. */
  at: [Phase, PhaseState];
}

interface RealPlan {
  controlPlanes: number;
  workers: number;
  faults: RealFault[];
}

const kinds: RealFault["kind"][] = ["kill-bootstrapper", "cut-power", "drop-packets"];
/** Steps of every node, from the first to the last. */
const moments: [Phase, PhaseState][] = [
  ["metadata", "done"],
  ["claim", "done"],
  ["render", "done"],
  ["confirm", "started"],
  ["kubelet", "done"],
  ["register", "started"],
  ["network", "done"],
];
/** One cluster in ten has three control planes. */
const highAvailabilityEvery = 10;

/** Returns shape and faults of a seed's cluster: one to three workers, one to three faults. */
export function planReal(seed: number): RealPlan {
  const workers = 1 + (seed % 3);
  const controlPlanes = seed % highAvailabilityEvery === 0 ? 3 : 1;
  const count = 1 + (Math.floor(seed / 3) % 3);
  const faults = Array.from({ length: count }, (_, index): RealFault => {
    const step = seed * 7 + index * 5;
    return {
      kind: kinds[(seed + index) % kinds.length] ?? "kill-bootstrapper",
      node: (seed + index) % (controlPlanes + workers),
      at: moments[step % moments.length] ?? ["claim", "done"],
    };
  });
  return { controlPlanes, workers, faults };
}
