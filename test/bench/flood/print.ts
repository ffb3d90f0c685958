import { benchFlood, type FloodBench, type FloodPart } from "./bench.ts";
import type { Latency } from "./latency.ts";

interface Output {
  onProgress: (text: string) => void;
  print: (line?: string) => void;
}

/** Measures, prints the figures, and sets the exit code 1 if a goal is missed. */
export async function printFlood({ onProgress, print }: Output): Promise<FloodBench> {
  const bench = await benchFlood(onProgress);
  const { parts, goalMs, openFiles } = bench;
  print(`\nFlood: one address attacks, another one asks; ${openFiles} files may be open, milliseconds`);
  for (const { name, attacked, healthz, claim, failures, seconds, cpuSeconds } of parts) {
    print(`  ${name}: ${seconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of the server's processor time`);
    if (Object.keys(attacked).length > 0) print(`    answers        ${inWords(attacked)}`);
    print(`    GET /healthz   ${latencyInWords(healthz)}`);
    print(`    POST …/claim   ${latencyInWords(claim)}`);
    if (failures.length > 0) print(`    FAILED         ${[...new Set(failures)].join(", ")}`);
  }
  const over = parts.filter((part) => isOver(part, goalMs));
  print(`  goal: ${goalMs} ms at most${over.length === 0 ? ", kept" : `; OVER with ${namesOf(over)}`}`);
  if (over.length > 0) process.exitCode = 1;
  return bench;
}

const isOver = ({ healthz, claim, failures }: FloodPart, goalMs: number) =>
  failures.length > 0 || healthz.max > goalMs || claim.max > goalMs;

const namesOf = (parts: readonly FloodPart[]) => parts.map(({ name }) => name).join(", ");
const inWords = (counts: Record<string, number>) =>
  Object.entries(counts)
    .map(([result, count]) => `${result} ${count}`)
    .join(", ");
const latencyInWords = ({ requests, p50, p99, max }: Latency) =>
  `p50 ${p50.toFixed(0)}, p99 ${p99.toFixed(0)}, max ${max.toFixed(0)} (${requests} requests)`;
