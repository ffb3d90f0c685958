import { spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clusterEvent, createClusterRecord, createMemberRecord } from "../contract/samples.ts";
import { readCluster, secretBytes } from "../contract/subject.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const script = join(import.meta.dirname, "commit-until-killed.ts");
let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sprout-crash-"));
  file = join(directory, "sprout.db");
});
afterEach(() => rm(directory, { recursive: true }));

/** Kills the process a random moment after its n-th acknowledged commit; resolves to all it acknowledged. */
async function commitUntilKilled(first: number, options: { afterCommits: number; delayMs: number }): Promise<number[]> {
  const child = spawn(process.execPath, [script, file, String(first)], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = new Promise<NodeJS.Signals | null>((resolve) => {
    child.once("close", (_code, signal) => resolve(signal));
  });
  const acknowledged: number[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged.push(Number(line));
    if (acknowledged.length === options.afterCommits) void delay(options.delayMs).then(() => child.kill("SIGKILL"));
  }
  expect(await exited).toBe("SIGKILL");
  return acknowledged;
}

function checkFile(): void {
  const database = new DatabaseSync(file);
  expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  expect(database.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
  database.close();
}

const wholeCluster = (id: string, secret: string) => ({
  cluster: { ...createClusterRecord({ id }), version: 1 },
  members: ["node01", "node02"].map((name) => ({ ...createMemberRecord({ clusterId: id, name }), version: 1 })),
  clusterSecret: secret,
  memberSecrets: [undefined, undefined],
  events: ["created", "planned"].map((message, index) => ({ sequence: index + 1, ...clusterEvent(message) })),
});

describe("SQLite store after a crash", () => {
  it("killed at 12 random moments, it has every acknowledged commit and nothing half-written", async () => {
    const acknowledged = new Set<number>();
    let unacknowledged = 0;
    for (let round = 0, next = 8; round < 12; round++) {
      const afterCommits = 1 + Math.floor(Math.random() * 200);
      const seen = await commitUntilKilled(next, { afterCommits, delayMs: Math.random() * 4 });
      expect(seen.length).toBeGreaterThanOrEqual(afterCommits);
      for (const number of seen) acknowledged.add(number);

      const store = await openSqliteStore({ file });
      const numbers = (await store.clusters({ limit: 1_000_000 }))
        .filter(({ id }) => id !== "c-counter")
        .map(({ id }) => Number(id.slice(2)));
      const found = new Set(numbers);
      expect([...acknowledged].filter((number) => !found.has(number))).toEqual([]);
      unacknowledged = found.size - acknowledged.size;
      // Each round goes on after the one before, so that only its own clusters are new.
      for (const number of numbers.filter((candidate) => candidate >= next))
        expect(await readCluster(store, `c-${number}`)).toEqual(
          wholeCluster(`c-${number}`, String(number).repeat(3000)),
        );
      const last = Math.max(...numbers.filter((number) => number % 8 === 0));
      expect((await store.cluster("c-counter"))?.labels["last"]).toBe(String(last));
      await store.close();
      checkFile();
      next = (Math.floor(Math.max(...numbers) / 8) + 1) * 8;
    }
    // At most the one group that was on its way at each kill.
    expect(unacknowledged).toBeLessThanOrEqual(12 * 8);
  }, 60_000);

  it("with its log cut off anywhere, it has the commits up to there, each of them whole", async () => {
    const store = await openSqliteStore({ file });
    const logSizes: number[] = [];
    for (let number = 0; number < 10; number++) {
      const id = `c-${number}`;
      await store.commit({
        clusters: [createClusterRecord({ id })],
        members: ["node01", "node02"].map((name) => createMemberRecord({ clusterId: id, name })),
        secrets: [{ clusterId: id, member: null, sealed: secretBytes(id.repeat(2000)) }],
        events: ["created", "planned"].map((message) => ({ clusterId: id, event: clusterEvent(message) })),
      });
      logSizes.push((await stat(`${file}-wal`)).size);
    }
    const start = logSizes[0]!;
    const end = logSizes.at(-1)!;
    for (let cut = start; cut <= end; cut += Math.ceil((end - start) / 40)) {
      const copy = join(directory, `cut-at-${cut}`);
      await mkdir(copy);
      await copyFile(file, join(copy, "sprout.db"));
      await copyFile(`${file}-wal`, join(copy, "sprout.db-wal"));
      await truncate(join(copy, "sprout.db-wal"), cut);
      const survivor = await openSqliteStore({ file: join(copy, "sprout.db") });
      const ids = (await survivor.clusters({ limit: 100 })).map(({ id }) => id).toSorted();
      expect(ids).toEqual(logSizes.flatMap((size, number) => (size <= cut ? [`c-${number}`] : [])));
      for (const id of ids) expect(await readCluster(survivor, id)).toEqual(wholeCluster(id, id.repeat(2000)));
      await survivor.close();
    }
    await store.close();
  });
});
