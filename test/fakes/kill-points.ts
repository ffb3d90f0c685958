import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { Phase, PhaseState } from "#api/phase.ts";
import { main, type SimulatedMachine } from "./simulated-machine.ts";
import { simulatedEnvironment } from "./simulated-root.ts";

/** Points at which SIGKILL ends a simulated machine's bootstrapper. All but `line` are exact. */
export type KillPoint =
  /** After a step's line was printed, plus a delay; with SIGTERM it may exit on its own. */
  | { at: "line"; phase: Phase; state: PhaseState; delayMs?: number; signal?: "SIGTERM" }
  /** While the server handles its request: before anything is done, or after everything but the answer. */
  | { at: "request"; path: string; stage: "received" | "handled" }
  /** By a called program whose arguments contain this part, before or after its work. */
  | { at: "program"; name: string; part: string; stage: "before" | "after" }
  /** With half of a file written, or all of it before the rename. */
  | { at: "write"; path: string; stage: "half" | "whole" };

export interface KilledRun {
  /** False if the run ended before the point. */
  killed: boolean;
  exitCode: number | undefined;
  /** The parsed output. */
  lines: { phase?: Phase; state?: PhaseState; message?: string }[];
}

const killInWrite = join(import.meta.dirname, "kill-in-write.ts");

/** Runs the real main.ts on the simulated machine and kills it at the point; the fakes keep their state. */
export async function killAt(machine: SimulatedMachine, point: KillPoint, ...args: string[]): Promise<KilledRun> {
  const { root, server } = machine;
  const preload = point.at === "write" ? ["--import", killInWrite] : [];
  const env = point.at === "write" ? { SPROUT_FAKE_KILL_WRITE: `${point.stage} ${join(root, point.path)}` } : {};
  if (point.at === "program") await setProgramTrap(root, point);
  const child = execa(process.execPath, [...preload, main, "--root", root, ...args], {
    env: { ...simulatedEnvironment(root), ...env },
    extendEnv: false,
    reject: false,
    buffer: false,
  });
  const kill = async () => {
    child.kill("SIGKILL");
    await child;
  };
  if (point.at === "request")
    server.hook = async (path, stage) => (path === point.path && stage === point.stage ? kill() : undefined);
  const lines: KilledRun["lines"] = [];
  for await (const text of createInterface({ input: child.stdout })) {
    const line = JSON.parse(text) as KilledRun["lines"][number];
    lines.push(line);
    if (point.at !== "line" || line.phase !== point.phase || line.state !== point.state) continue;
    await sleep(point.delayMs ?? 0);
    child.kill(point.signal ?? "SIGKILL");
  }
  const { signal, exitCode } = await child;
  server.hook = async () => undefined;
  if (point.at === "program") await rm(join(root, `kill-${point.stage}`), { recursive: true, force: true });
  return { killed: signal === "SIGKILL", exitCode, lines };
}

async function setProgramTrap(root: string, { name, part, stage }: Extract<KillPoint, { at: "program" }>) {
  await mkdir(join(root, `kill-${stage}`), { recursive: true });
  await writeFile(join(root, `kill-${stage}/${name}`), part);
}
