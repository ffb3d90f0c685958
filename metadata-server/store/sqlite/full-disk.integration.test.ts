import { statfsSync, writeFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createClusterRecord } from "../../../test/contract/store/samples.ts";
import { temporaryFolder } from "../../../test/fixtures/temporary-folder.ts";
import { StoreUnavailable } from "../store.ts";
import { openSqliteStore } from "./sqlite-store.ts";

const silent = { info: () => {}, warn: () => {}, error: () => {} };
let directory: string;
beforeEach(async () => {
  directory = await temporaryFolder("full-disk");
  await execa("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", directory]);
});
afterEach(() => execa("umount", [directory]));

/** Leaves no room but for one page of the log. */
function fill(file: string): void {
  const { bavail, bsize } = statfsSync(directory);
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - 4096)));
}

describe("SQLite store on a full disk", () => {
  it("refuses commits with the reason, is not ready, reads on, and continues without loss once there is space", async () => {
    const file = join(directory, "sprout.db");
    const filler = join(directory, "filler");
    let store = await openSqliteStore({ file, logger: silent });
    const commit = (id: string) => store.commit({ clusters: [createClusterRecord({ id, name: id })] });
    await commit("c-before");
    await store.check();
    fill(filler);
    const refused: unknown[] = [];
    const acknowledged = ["c-before"];
    for (let number = 0; number < 50 && refused.length < 3; number += 1)
      await commit(`c-${number}`).then(
        () => acknowledged.push(`c-${number}`),
        (error: unknown) => refused.push(error),
      );
    expect(refused[0]).toBeInstanceOf(StoreUnavailable);
    expect(refused[0]).toMatchObject({
      wasRefused: true,
      message: `Cannot write to store ${file}: the disk is full; free some space`,
    });
    await expect(store.check()).rejects.toThrow("the disk is full; free some space");
    expect(await store.cluster("c-before")).toBeDefined();
    rmSync(filler);
    await store.check();
    await commit("c-after");
    await store.close();
    store = await openSqliteStore({ file, logger: silent });
    const found = (await store.clusters({ limit: 100 })).map(({ id }) => id);
    expect(new Set(found)).toEqual(new Set([...acknowledged, "c-after"]));
    await store.close();
  });
});
