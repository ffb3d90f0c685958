import { chmod, mkdir, readFile, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../../test/fixtures/temporary-folder.ts";
import { loadServerKey } from "./server-key.ts";

it("loadServerKey creates a key with mode 0600 on first use, leaves no other file, and keeps the key", async () => {
  const directory = join(await temporaryFolder("pki"), "keys");
  const file = join(directory, "server.key");
  const key = await loadServerKey(file);
  expect(key).toHaveLength(32);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  expect(await readdir(directory)).toEqual(["server.key"]);
  expect(await loadServerKey(file)).toEqual(key);
});

it("loadServerKey returns the same key to all callers that start at once", async () => {
  const directory = await temporaryFolder("pki");
  const keys = await Promise.all(Array.from({ length: 8 }, () => loadServerKey(join(directory, "server.key"))));
  expect(new Set(keys.map((key) => key.toString("hex"))).size).toBe(1);
  expect(await readdir(directory)).toEqual(["server.key"]);
});

it.each([0, 31, 33, 64])("loadServerKey refuses a key of %i bytes and leaves it alone", async (length) => {
  const file = join(await temporaryFolder("pki"), "server.key");
  await writeFile(file, Buffer.alloc(length, 7), { mode: 0o600 });
  await expect(loadServerKey(file)).rejects.toThrow(
    `Cannot use server key ${file}: it has ${length} bytes instead of 32; restore it from a backup`,
  );
  expect(await readFile(file)).toEqual(Buffer.alloc(length, 7));
});

it.each(["0644", "0640", "0604", "0620"])("loadServerKey refuses a key file with mode %s", async (mode) => {
  const file = join(await temporaryFolder("pki"), "server.key");
  await loadServerKey(file);
  await chmod(file, Number.parseInt(mode, 8));
  await expect(loadServerKey(file)).rejects.toThrow(
    `Cannot use ${file}: its mode ${mode} gives other users access; chmod it to 0600`,
  );
});

it("loadServerKey fails with EISDIR if the file is a directory", async () => {
  const file = join(await temporaryFolder("pki"), "server.key");
  await mkdir(file, { mode: 0o700 });
  await expect(loadServerKey(file)).rejects.toThrow("EISDIR");
});
