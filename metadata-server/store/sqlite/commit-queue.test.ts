import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Changes } from "../store.ts";
import { createCommitQueue } from "./commit-queue.ts";
import { openDatabase } from "./database.ts";

let directory: string;
let file: string;
let database: DatabaseSync;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sprout-queue-"));
  file = join(directory, "sprout.db");
  database = openDatabase({ file, now: 0 });
  database.exec("CREATE TABLE notes (text TEXT NOT NULL) STRICT");
});
afterEach(async () => {
  database.close();
  await rm(directory, { recursive: true });
});

const note = (key: string): Changes => ({
  idempotency: { key, requestHash: "", clusterId: "", expiresAt: 0 },
});
const noted = async (key: string) => note(key);
const notes = () =>
  database
    .prepare("SELECT text FROM notes ORDER BY rowid")
    .all()
    .map((row) => row["text"]);

/** Creates a queue whose changes are notes of at least `size` characters. */
function createNotesQueue(size = 1) {
  const committed: Changes[] = [];
  const queue = createCommitQueue({
    database,
    file,
    apply: async ({ idempotency }) => {
      const text = idempotency!.key;
      database.prepare("INSERT INTO notes (text) VALUES (?)").run(text.padEnd(size));
      if (text === "refused") throw new Error("refused");
    },
    onCommitted: (changes) => committed.push(changes),
  });
  return { queue, committed };
}

describe("createCommitQueue", () => {
  it("writes commits in the order they came, and reports each once it is written", async () => {
    const { queue, committed } = createNotesQueue();
    const changes = Array.from({ length: 100 }, (_, index) => note(`note ${index}`));
    await Promise.all(changes.map((change) => queue.commit(Promise.resolve(change))));
    expect(notes()).toEqual(changes.map(({ idempotency }) => idempotency!.key));
    expect(committed).toEqual(changes);
  });

  it("writes nothing until the caller yields, so that commits can share a flush", async () => {
    const { queue } = createNotesQueue();
    const commits = [queue.commit(noted("a")), queue.commit(noted("b"))];
    expect(notes()).toEqual([]);
    await Promise.all(commits);
    expect(notes()).toEqual(["a", "b"]);
  });

  it("rolls back a refused commit and no other", async () => {
    const { queue, committed } = createNotesQueue();
    const outcomes = await Promise.allSettled(["a", "refused", "b"].map((text) => queue.commit(noted(text))));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(notes()).toEqual(["a", "b"]);
    expect(committed).toEqual([note("a"), note("b")]);
  });

  it("says that the disk is full, writes nothing, and continues once there is space again", async () => {
    const { queue, committed } = createNotesQueue(100_000);
    const pages = Number(database.prepare("PRAGMA page_count").get()?.["page_count"]);
    database.exec(`PRAGMA max_page_count = ${pages + 2}`);
    await expect(queue.commit(noted("a"))).rejects.toThrow(
      `Cannot write to store ${file}: the disk is full; free some space`,
    );
    expect(notes()).toEqual([]);
    expect(committed).toEqual([]);
    database.exec("PRAGMA max_page_count = 100000");
    await queue.commit(noted("b"));
    expect(notes().map((text) => String(text).trim())).toEqual(["b"]);
  });

  it("rejects every commit of a group that cannot be written", async () => {
    const { queue, committed } = createNotesQueue();
    database.exec("PRAGMA query_only = ON");
    const outcomes = await Promise.allSettled([queue.commit(noted("a")), queue.commit(noted("b"))]);
    const message = `Cannot write to store ${file}: it is read-only; make the file and its directory writable`;
    for (const outcome of outcomes) expect(outcome).toMatchObject({ status: "rejected", reason: { message } });
    expect(committed).toEqual([]);
    database.exec("PRAGMA query_only = OFF");
    expect(notes()).toEqual([]);
    await queue.commit(noted("c"));
    expect(notes()).toEqual(["c"]);
  });

  it("drains, and writes nothing again afterwards", async () => {
    const { queue } = createNotesQueue();
    const commits = Array.from({ length: 40 }, (_, index) => queue.commit(noted(`note ${index}`)));
    await queue.drain();
    expect(notes()).toHaveLength(40);
    await Promise.all(commits);
    await new Promise((resolve) => setImmediate(resolve));
    expect(notes()).toHaveLength(40);
  });
});
