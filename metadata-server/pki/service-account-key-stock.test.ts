import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { makeServiceAccountKey } from "./service-account-keys.ts";
import { openServiceAccountKeyStock } from "./service-account-key-stock.ts";

const serverKey = randomBytes(32);
const key = await makeServiceAccountKey();
let directory: string;
let warnings: string[];
beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), "sprout-stock-")), "keys");
  warnings = [];
});
afterEach(() => rm(join(directory, ".."), { recursive: true }));

const warn = (message: string, fields?: object) => void warnings.push(`${message} ${JSON.stringify(fields)}`);
const open = (serverKeys = [serverKey]) =>
  openServiceAccountKeyStock({ directory, serverKeys, logger: { info: warn, warn, error: warn } });
const files = () => readdir(directory).catch(() => []);

it("keeps keys over a restart, sealed and for the owner alone", async () => {
  await (await open()).put([key, key]);
  const [file] = await files();
  const path = join(directory, file!);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await readFile(path)).includes("PRIVATE KEY")).toBe(false);
  const stock = await open();
  expect(stock.count()).toBe(50);
  expect(await stock.take()).toEqual([key, key]);
  expect([stock.count(), await stock.take(), warnings]).toEqual([0, [], []]);
});

it("never gives a batch twice: the file is gone before its keys are there, also where two look at once", async () => {
  await (await open()).put([key]);
  const [one, other] = await Promise.all([open(), open()]);
  const taken = await Promise.all([one.take(), other.take(), one.take()]);
  expect(taken.flat()).toHaveLength(1);
  expect(await files()).toEqual([]);
  expect(await (await open()).take()).toEqual([]);
});

it("leaves out what another key sealed, what was changed and what was renamed, and says so", async () => {
  const stock = await open();
  for (let batch = 0; batch < 3; batch += 1) await stock.put([key]);
  const [changed, renamed] = await files();
  const bytes = await readFile(join(directory, changed!));
  bytes[bytes.length - 1]! ^= 1;
  await writeFile(join(directory, changed!), bytes, { mode: 0o600 });
  await rename(join(directory, renamed!), join(directory, `again-${renamed}`));
  expect(await (await open()).take()).toEqual([key]);
  expect(await (await open()).take()).toEqual([]);
  await stock.put([key]);
  expect(await (await open([randomBytes(32)])).take()).toEqual([]);
  expect(
    warnings.map((line) => /(it was changed or has another's name|no server key at hand)/.exec(line)?.[0]),
  ).toEqual(expect.arrayContaining(["it was changed or has another's name", "no server key at hand"]));
  expect(warnings.join()).not.toContain("PRIVATE KEY");
});
