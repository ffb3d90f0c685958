import { copyFileSync } from "node:fs";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createClusterRecord } from "../../../test/contract/store/samples.ts";
import type { Store } from "../store.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const logger = { info: () => {}, warn: () => {}, error: () => {} };
const planted = "planted secret ";

let directory: string;
let file: string;
let store: Store;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "sprout-checkpoints-"));
  file = join(directory, "sprout.db");
  store = await openSqliteStore({ file, logger });
  await store.commit({ clusters: [createClusterRecord({ id: "c-1" })] });
  await put(Buffer.from(planted.repeat(500)));
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

const put = (sealed: Uint8Array | null) => store.commit({ secrets: [{ clusterId: "c-1", member: null, sealed }] });
const read = (suffix = "", path = file) => readFile(`${path}${suffix}`, "latin1");
const logSize = async () => (await stat(`${file}-wal`)).size;
const untilLogIsEmpty = () => vi.waitFor(async () => expect(await logSize()).toBe(0), { timeout: 5000, interval: 20 });

describe("The SQLite store's log", () => {
  it("lasts as long as no secret is destroyed", async () => {
    await delay(1200);
    expect(await read("-wal")).toContain(planted);
  });

  it.for([
    ["replaced", Buffer.from("another")],
    ["destroyed", null],
  ] as const)("vanishes within a second after a secret was %s, not by that commit", async ([, sealed]) => {
    await put(sealed);
    expect(await read("-wal")).toContain(planted);
    await untilLogIsEmpty();
    expect(await read()).not.toContain(planted);
    await put(Buffer.from("one more"));
    expect(await logSize()).toBeGreaterThan(0);
  });

  it("vanishes at the start, after the server was killed", async () => {
    await put(null);
    const killed = join(directory, "killed.db");
    for (const suffix of ["", "-wal"]) copyFileSync(`${file}${suffix}`, `${killed}${suffix}`);
    expect(await read("-wal", killed)).toContain(planted);
    const survivor = await openSqliteStore({ file: killed, logger });
    expect((await read("", killed)) + (await read("-wal", killed))).not.toContain(planted);
    expect(await survivor.secret({ clusterId: "c-1", member: null })).toBeUndefined();
    await survivor.close();
  });

  it("vanishes when the store is closed", async () => {
    await put(null);
    await store.close();
    expect(await read()).not.toContain(planted);
    await expect(read("-wal")).rejects.toThrow("ENOENT");
  });
});
