import { chmod, mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDatabase } from "./database.ts";
import { schemaVersion } from "./schema.ts";

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sprout-database-"));
  file = join(directory, "sprout.db");
});
afterEach(() => rm(directory, { recursive: true }));

const open = (path = file) => openDatabase({ file: path, now: 1_700_000_000_000 });
const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

/** Creates a store with enough rows for many pages. */
function createFilledStore(): void {
  const database = open();
  const insert = database.prepare(
    "INSERT INTO clusters (id, name, state, created_at, version, record) VALUES (?, ?, 'ready', 1, 1, ?)",
  );
  for (let index = 0; index < 500; index++) insert.run(`c-${index}`, `name-${index}`, "x".repeat(500));
  database.close();
}

/** Root ignores permissions, so tests that run as root make the call as an unprivileged user. */
function asOrdinaryUser<T>(call: () => T): T {
  if (process.geteuid?.() !== 0) return call();
  process.seteuid?.(65_534);
  try {
    return call();
  } finally {
    process.seteuid?.(0);
  }
}

describe("openDatabase", () => {
  it("creates a file and a log that only the owner can read", async () => {
    const database = open();
    expect([await mode(file), await mode(`${file}-wal`)]).toEqual(["600", "600"]);
    database.close();
  });

  it("removes other users' permission to read an existing file", async () => {
    createFilledStore();
    await chmod(file, 0o644);
    open().close();
    expect(await mode(file)).toBe("600");
  });

  it("flushes every commit to the disk, enforces foreign keys, and overwrites deleted data", () => {
    const database = open();
    const read = (pragma: string) => Object.values(database.prepare(`PRAGMA ${pragma}`).get() ?? {})[0];
    expect(read("journal_mode")).toBe("wal");
    // 2 is FULL: the log is flushed at each commit (https://www.sqlite.org/pragma.html#pragma_synchronous).
    expect(read("synchronous")).toBe(2);
    expect(read("foreign_keys")).toBe(1);
    expect(read("secure_delete")).toBe(1);
    database.close();
  });

  it("accepts an empty file as a new store", async () => {
    await writeFile(file, "");
    const database = open();
    expect(database.prepare("SELECT version, applied_at FROM schema_migrations").all()).toEqual(
      Array.from({ length: schemaVersion }, (_, index) => ({ version: index + 1, applied_at: 1_700_000_000_000 })),
    );
    database.close();
  });

  it("migrates a store of the first release, and keeps its data", () => {
    const old = open();
    old.exec("DROP TABLE audit; DROP INDEX clusters_by_deletion; DROP INDEX idempotency_by_cluster");
    old.exec("DROP TABLE machine_terms; DROP TABLE machine_macs; DROP TABLE machines; DROP TABLE documents");
    old.exec("DELETE FROM schema_migrations WHERE version > 1");
    const insert = old.prepare("INSERT INTO clusters VALUES (?, 'build126', 'deleted', 1, 1, ?)");
    insert.run("c-1", JSON.stringify({ id: "c-1", deletedAt: 7 }));
    const member = old.prepare("INSERT INTO members VALUES (1, 'c-1', 'cp01', 'control-plane', 1, ?)");
    member.run(JSON.stringify({ name: "cp01" }));
    old.close();
    const database = open();
    expect(database.prepare("SELECT version FROM schema_migrations").all()).toHaveLength(schemaVersion);
    expect(database.prepare("SELECT id, record ->> '$.deletedAt' AS time FROM clusters").all()).toEqual([
      { id: "c-1", time: 7 },
    ]);
    expect(JSON.parse(String(database.prepare("SELECT record FROM clusters").get()?.["record"]))).toEqual({
      id: "c-1",
      deletedAt: 7,
      join: "certificate",
    });
    expect(JSON.parse(String(database.prepare("SELECT record FROM members").get()?.["record"]))).toEqual({
      name: "cp01",
      reportTokenUsedAt: null,
    });
    expect(database.prepare("SELECT * FROM audit").all()).toEqual([]);
    database.close();
  });

  it("does not change a store that is up to date", async () => {
    createFilledStore();
    const before = await readFile(file);
    open().close();
    expect((await readFile(file)).equals(before)).toBe(true);
  });

  it("refuses a file that is not a database, and does not change it", async () => {
    await writeFile(file, "name,role\n".repeat(1000));
    expect(() => open()).toThrow(`Cannot open store ${file}: it is not a SQLite database; use another path`);
    expect(await readFile(file, "utf8")).toBe("name,role\n".repeat(1000));
  });

  it("refuses another program's database, and does not change it", async () => {
    const foreign = new DatabaseSync(file);
    foreign.exec("CREATE TABLE clusters (id TEXT); INSERT INTO clusters VALUES ('theirs')");
    foreign.close();
    const before = await readFile(file);
    expect(() => open()).toThrow(`Cannot open store ${file}: it is another program's database; use another path`);
    expect((await readFile(file)).equals(before)).toBe(true);
  });

  it("refuses a store that a newer release has migrated, and does not change it", async () => {
    const database = open();
    database.exec(`INSERT INTO schema_migrations VALUES (${schemaVersion + 1}, 0)`);
    database.close();
    const before = await readFile(file);
    expect(() => open()).toThrow(
      `Cannot open store ${file}: its schema version ${schemaVersion + 1} is newer than this release's ${schemaVersion}; use the newer release`,
    );
    expect((await readFile(file)).equals(before)).toBe(true);
  });

  it("refuses a store that is already open", () => {
    const database = open();
    const message = `Cannot open store ${file}: another process has it open; stop that one or use another data directory`;
    expect(() => open()).toThrow(message);
    database.close();
    open().close();
  });

  it("refuses a store with damaged pages", async () => {
    createFilledStore();
    const bytes = await readFile(file);
    for (let page = 4; page * 4096 < bytes.length; page += 3) bytes.fill(0xa5, page * 4096, page * 4096 + 512);
    await writeFile(file, bytes);
    expect(() => open()).toThrow(
      `Cannot open store ${file}: it is damaged; restore a backup or move it away to start empty`,
    );
  });

  it("refuses a truncated store", async () => {
    createFilledStore();
    await truncate(file, 40_960);
    expect(() => open()).toThrow(
      `Cannot open store ${file}: it is damaged; restore a backup or move it away to start empty`,
    );
  });

  it("refuses a path in a directory that does not exist, and creates none", async () => {
    const path = join(directory, "missing", "sprout.db");
    expect(() => open(path)).toThrow(`Cannot open store ${path}: its directory does not exist; create it`);
    await expect(stat(join(directory, "missing"))).rejects.toThrow("ENOENT");
  });

  it("refuses a path that is a directory", () => {
    expect(() => open(directory)).toThrow(`Cannot open store ${directory}: it is a directory; use the path of a file`);
  });

  it("refuses a path below a file", async () => {
    await writeFile(file, "");
    const path = join(file, "sprout.db");
    expect(() => open(path)).toThrow(`Cannot open store ${path}: its directory is not a directory; use another path`);
  });

  it("refuses a directory and a file that it may not write to", async () => {
    createFilledStore();
    const locked = join(directory, "locked");
    await mkdir(locked);
    await chmod(locked, 0o555);
    await chmod(file, 0o444);
    await chmod(directory, 0o755);
    for (const path of [join(locked, "sprout.db"), file])
      expect(() => asOrdinaryUser(() => open(path))).toThrow(
        `Cannot open store ${path}: permission denied; make the file and its directory writable`,
      );
    await expect(stat(join(locked, "sprout.db"))).rejects.toThrow("ENOENT");
  });
});
