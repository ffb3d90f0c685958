/** Faults of one simulated cluster; their times count lines that a machine prints, not seconds. */
export interface Fault {
  kind:
    | "kill-node"
    | "reboot-node"
    | "crash-server"
    | "freeze-server"
    /** The machine ends for good. */
    | "lose-machine"
    /** The machine's clock jumps. */
    | "move-clock"
    /** The machine's disk is full from then on. */
    | "fill-disk"
    /** The master of the server's Redis is killed, and its replica promoted. */
    | "fail-over-redis";
  /** The node whose lines are counted and which the fault hits: 0 is the first control plane. */
  node: number;
  /** The n-th JSON line that this node's bootstrapper prints, over all its runs. */
  line: number;
  /** After that line. */
  delayMs: number;
  /** Seconds by which a clock jumps. */
  seconds?: number;
}

export interface Scenario {
  seed: number;
  workers: number;
  faults: Fault[];
  /** Of the cluster. */
  deadlineSeconds: number;
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

/** Three times the slowest scenario on two busy cores. */
const deadlineSeconds = 60;
/** Of a cluster that can hardly come up: no trial should wait for longer than it must. */
const shortDeadlineSeconds = 45;
/** Less than the 30 s that a bring-up tolerates, little more, and a day. */
const clockJumps = [-20, 20, -45, 45, -86_400, 86_400];
/** One seed in so many has each of the faults that come alone. */
const rarely = 40;

/** The same seed, the same scenario. */
export function planScenario(seed: number): Scenario {
  const random = createRandom(seed);
  const pick = (below: number) => Math.floor(random() * below);
  const workers = pick(3);
  const planFault = (kind: Fault["kind"]): Fault => ({
    kind,
    node: pick(workers + 1),
    line: 1 + pick(lines),
    // Half of the faults come right at the line: between the end of one step and the start of the next.
    delayMs: random() < 0.5 ? 0 : pick(60),
  });
  switch (seed % rarely) {
    case 7:
      return { seed, workers, deadlineSeconds, faults: [planFault("fail-over-redis")] };
    case 13:
      return { seed, workers, deadlineSeconds: shortDeadlineSeconds, faults: [planFault("lose-machine")] };
    case 33:
      return { seed, workers, deadlineSeconds, faults: [planFault("fill-disk")] };
    case 27: {
      const fault = { ...planFault("move-clock"), seconds: clockJumps[pick(clockJumps.length)] ?? 0 };
      // After preflight a clock disturbs little, so half of them jump before it.
      if (random() < 0.5)
        return { seed, workers, deadlineSeconds: shortDeadlineSeconds, faults: [{ ...fault, line: 1 }] };
      return { seed, workers, deadlineSeconds, faults: [fault] };
    }
    default: {
      const faults = Array.from({ length: 1 + pick(3) }, () => planFault(kinds[pick(kinds.length)] ?? "kill-node"));
      return { seed, workers, deadlineSeconds, faults };
    }
  }
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
