import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import type { Store } from "../../../metadata-server/store/store.ts";
import { clusterEvent, createClusterRecord, createMemberRecord } from "./samples.ts";
import { readCluster } from "./subject.ts";

const script = join(import.meta.dirname, "commit-until-killed.ts");
/** Commits that each round makes at once. */
const atOnce = 8;

export interface CrashRun {
  /** Number of the first commit. */
  first: number;
  /** The crash comes `delayMs` after this many acknowledged commits. */
  afterCommits: number;
  delayMs: number;
  /** Must kill the writing process; it may kill others too. */
  crash?: (writer: ChildProcess) => Promise<void>;
}

const killWriter = async (writer: ChildProcess) => void writer.kill("SIGKILL");

/** Starts a process that commits to the store at `where` until it is killed. Resolves to the acknowledged numbers. */
export async function commitUntilKilled(where: string, run: CrashRun): Promise<number[]> {
  const { first, afterCommits, delayMs, crash = killWriter } = run;
  const writer = spawn(process.execPath, [script, where, String(first)], { stdio: ["ignore", "pipe", "ignore"] });
  const exited = once(writer, "close");
  const acknowledged: number[] = [];
  let crashed = Promise.resolve();
  for await (const line of createInterface({ input: writer.stdout })) {
    acknowledged.push(Number(line));
    if (acknowledged.length === afterCommits) crashed = delay(delayMs).then(() => crash(writer));
  }
  await crashed;
  expect(await exited).toEqual([null, "SIGKILL"]);
  expect(acknowledged.length).toBeGreaterThanOrEqual(afterCommits);
  return acknowledged;
}

/** Content that commit-until-killed.ts stores for each number. */
export const wholeCluster = (id: string, secret: string) => ({
  cluster: { ...createClusterRecord({ id }), version: 1 },
  members: ["node01", "node02"].map((name) => ({ ...createMemberRecord({ clusterId: id, name }), version: 1 })),
  clusterSecret: secret,
  memberSecrets: [undefined, undefined],
  events: ["created", "planned"].map((message, index) => ({ sequence: index + 1, ...clusterEvent(message) })),
});

/** Expects every acknowledged commit, and only whole ones. Resolves to the numbers found, and the next free one. */
export async function checkSurvivor(
  store: Store,
  { acknowledged, first }: { acknowledged: ReadonlySet<number>; first: number },
): Promise<{ found: Set<number>; next: number }> {
  const numbers = (await store.clusters({ limit: 1_000_000 }))
    .filter(({ id }) => id !== "c-counter")
    .map(({ id }) => Number(id.slice(2)));
  const found = new Set(numbers);
  expect([...acknowledged].filter((number) => !found.has(number))).toEqual([]);
  // Each round continues after the last one, so only its own clusters are new.
  for (const number of numbers.filter((candidate) => candidate >= first))
    expect(await readCluster(store, `c-${number}`)).toEqual(wholeCluster(`c-${number}`, String(number).repeat(3000)));
  const last = Math.max(...numbers.filter((number) => number % atOnce === 0));
  expect((await store.cluster("c-counter"))?.labels["last"]).toBe(String(last));
  return { found, next: (Math.floor(Math.max(...numbers) / atOnce) + 1) * atOnce };
}
