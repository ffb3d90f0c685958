import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { MachineSpec } from "../../metadata-server/providers/provider.ts";
import { rebootSimulatedRoot, simulatedEnvironment, writeSimulatedRoot } from "../fakes/simulated-root.ts";

export interface SimulatedNodeOptions {
  spec: MachineSpec;
  folder: string;
  /** The real `sprout-bootstrap`: a program with its first arguments. */
  bootstrapper: readonly [program: string, ...argv: string[]];
  /** Every line it prints, over all its runs. */
  onLine: (line: string) => void;
  /** Called repeatedly while kubelet runs on this machine. */
  onKubeletActive: (root: string) => Promise<void>;
}

export interface SimulatedNode {
  spec: MachineSpec;
  root: string;
  /** `kill -9` of the bootstrapper; its unit restarts it. */
  kill(): void;
  /** The same as part of a reboot: kubelet is gone, too. */
  reboot(): Promise<void>;
  /** The machine ends for good. */
  lose(): void;
  /** Moves the clock, if the bootstrapper runs with one that can be moved. */
  moveClock(seconds: number): Promise<void>;
  /** Fills the disk, if the bootstrapper runs with one that can be filled. */
  fillDisk(): Promise<void>;
  /** Exit code of the run that was not killed, -1 for a lost machine; a new one after each reboot. */
  exited(): Promise<number>;
  console(): string;
  close(): Promise<void>;
}

const restartDelayMs = 50;
const kubeletPollMs = 20;

/** Stands in for a machine's init: the real bootstrapper on a root folder, restarted when it is killed. */
export async function startSimulatedNode(options: SimulatedNodeOptions): Promise<SimulatedNode> {
  const { spec, folder } = options;
  const root = join(folder, "root");
  await writeSimulatedRoot(root, { mac: spec.mac ?? "", seed: spec.seed });
  await rebootSimulatedRoot(root, randomUUID());
  let output = "";
  const closing = new AbortController();
  const clockFile = join(folder, "clock-offset");
  const fullFile = join(folder, "disk-is-full");
  const [program, ...argv] = options.bootstrapper;
  let running: ChildProcess | undefined;
  let rebooting = Promise.resolve();
  let exited: Promise<number>;

  async function followKubelet() {
    for (; !closing.signal.aborted; await sleep(kubeletPollMs))
      if (isKubeletActive(root)) await options.onKubeletActive(root);
  }

  async function run(): Promise<number> {
    for (;;) {
      await rebooting;
      if (closing.signal.aborted) return -1;
      const child = spawn(program, [...argv, "--root", root], {
        env: {
          ...simulatedEnvironment(root),
          SPROUT_FAKE_CLOCK_FILE: clockFile,
          SPROUT_FAKE_FULL_DISK_FILE: fullFile,
        },
        stdio: ["ignore", "pipe", "pipe"],
      });
      running = child;
      createInterface({ input: child.stderr }).on("line", (line) => {
        output += `${line}\n`;
      });
      createInterface({ input: child.stdout }).on("line", (line) => {
        output += `${line}\n`;
        options.onLine(line);
      });
      await once(child, "close");
      if (child.exitCode !== null || closing.signal.aborted) return child.exitCode ?? -1;
      await sleep(restartDelayMs);
    }
  }

  const end = () => {
    closing.abort();
    running?.kill("SIGKILL");
  };
  exited = run();
  const kubelet = followKubelet();
  // `close` awaits it, and throws what it throws.
  kubelet.catch(() => undefined);
  return {
    spec,
    root,
    kill() {
      running?.kill("SIGKILL");
    },
    async reboot() {
      const wasOver = running?.exitCode !== null && running?.exitCode !== undefined;
      running?.kill("SIGKILL");
      rebooting = rebootSimulatedRoot(root, randomUUID());
      await rebooting;
      output += "--- reboot ---\n";
      if (wasOver) exited = run();
    },
    lose: end,
    moveClock: (seconds) => writeFile(clockFile, String(seconds)),
    fillDisk: () => writeFile(fullFile, ""),
    exited: () => exited,
    console: () => output,
    async close() {
      end();
      await Promise.all([exited, kubelet]);
    },
  };
}

/** Synchronous: a detour through the thread pool costs more than the question. */
const isKubeletActive = (root: string) => existsSync(join(root, "run/fake-units/kubelet.service"));
