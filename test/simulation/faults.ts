/** Faults of one simulated cluster; their times count lines that a machine prints, not seconds. */
export interface Fault {
  kind: "kill-node" | "reboot-node" | "crash-server" | "freeze-server";
  /** The node whose lines are counted and which the fault hits: 0 is the first control plane. */
  node: number;
  /** The n-th JSON line that this node's bootstrapper prints, over all its runs. */
  line: number;
  /** After that line. */
  delayMs: number;
}

export interface Scenario {
  seed: number;
  workers: number;
  faults: Fault[];
}

/** A whole bring-up prints between 22 lines (worker) and 28 (first control plane). */
const lines = 28;
const kinds = [
  "kill-node",
  "kill-node",
  "kill-node",
  "reboot-node",
  "reboot-node",
  "crash-server",
  "crash-server",
  "freeze-server",
] as const;

/** The same seed, the same scenario. */
export function planScenario(seed: number): Scenario {
  const random = createRandom(seed);
  const pick = (below: number) => Math.floor(random() * below);
  const workers = pick(3);
  const faults = Array.from({ length: 1 + pick(3) }, () => ({
    kind: kinds[pick(kinds.length)] ?? "kill-node",
    node: pick(workers + 1),
    line: 1 + pick(lines),
    // Half of the faults come right at the line: between the end of one step and the start of the next.
    delayMs: random() < 0.5 ? 0 : pick(60),
  }));
  return { seed, workers, faults };
}

/** mulberry32: 32 bits of state suffice for distinct scenarios, equal on every machine. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
