import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { claimEphemeralDirectory, removeEphemeralDirectory } from "./ephemeral.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "sprout-ephemeral-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it("a missing or empty directory is claimed, claimed again, and removed with its content", async () => {
  const directory = join(folder, "data");
  await claimEphemeralDirectory(directory);
  await writeFile(join(directory, "sprout.db"), "");
  await claimEphemeralDirectory(directory);
  await removeEphemeralDirectory(directory);
  expect(await readdir(folder)).toEqual([]);
});

it("a directory with other content is refused and stays as it is", async () => {
  await writeFile(join(folder, "sprout.db"), "precious");
  await expect(claimEphemeralDirectory(folder)).rejects.toMatchObject({
    exitCode: 2,
    message: `Cannot serve ephemerally from ${folder}: it holds the data of another server; give another --data-dir`,
  });
  await expect(removeEphemeralDirectory(folder)).rejects.toThrow("ENOENT");
  expect(await readdir(folder)).toEqual(["sprout.db"]);
});
