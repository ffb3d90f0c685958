import { copyFile, mkdir, mkdtemp, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clusterEvent, createClusterRecord, createMemberRecord } from "../../../test/contract/store/samples.ts";
import { checkSurvivor, commitUntilKilled, wholeCluster } from "../../../test/contract/store/crash.ts";
import { readCluster, secretBytes } from "../../../test/contract/store/subject.ts";
import { openSqliteStore } from "./sqlite-store.ts";

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sprout-crash-"));
  file = join(directory, "sprout.db");
});
afterEach(() => rm(directory, { recursive: true }));

function checkFile(): void {
  const database = new DatabaseSync(file);
  expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  expect(database.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
  database.close();
}

describe("SQLite store after a crash", () => {
  it("has every acknowledged commit and nothing half-written after being killed at 12 random moments", async () => {
    const acknowledged = new Set<number>();
    let unacknowledged = 0;
    for (let round = 0, first = 8; round < 12; round++) {
      const moment = { afterCommits: 1 + Math.floor(Math.random() * 200), delayMs: Math.random() * 4 };
      for (const number of await commitUntilKilled(file, { first, ...moment })) acknowledged.add(number);
      const store = await openSqliteStore({ file });
      const { found, next } = await checkSurvivor(store, { acknowledged, first });
      await store.close();
      checkFile();
      unacknowledged = found.size - acknowledged.size;
      first = next;
    }
    // At each kill at most one group of commits was under way.
    expect(unacknowledged).toBeLessThanOrEqual(12 * 8);
  }, 60_000);

  it("keeps every commit up to the point where its log is truncated, each of them whole", async () => {
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
